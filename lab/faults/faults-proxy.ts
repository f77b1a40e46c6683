import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  request as send,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** What goes wrong with one request. Bytes are counted from the start of its body, or of the answer's. */
export type Fault =
  /** The connection is closed after this many bytes. */
  | { kind: 'cut'; way: 'up' | 'down'; afterBytes: number }
  /** Nothing is passed on after this many bytes. */
  | { kind: 'stall'; way: 'up' | 'down'; afterBytes: number }
  /** Every piece waits. */
  | { kind: 'slow'; way: 'up' | 'down'; delayMs: number }
  /** One bit of the byte is flipped. */
  | { kind: 'corrupt'; way: 'up' | 'down'; atByte: number }
  /** The server is not asked; this is the answer. */
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  /** The server is not asked, and nothing is answered. */
  | { kind: 'silence' }
  /** The server is not asked, and the connection is reset. */
  | { kind: 'reset' }
  /** The server does what it is asked for, and its answer is lost: the connection is closed, or another answer comes. */
  | { kind: 'lose'; status?: number }

interface AskedRequest {
  number: number
  method: string
  url: string
  headers: IncomingHttpHeaders
}
type ChooseFault = (request: AskedRequest) => MaybePromise<Fault | undefined>
type MaybePromise<T> = T | Promise<T>

/** A proxy between a client and a server of the lab that spoils some of their requests. */
export interface FaultsProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, in place of the server's. */
  readonly origin: string
  /** Requests since the proxy started. */
  readonly requests: number
  /** Faults that came to be since then. */
  readonly injected: number
  /**
   * Says what goes wrong from now on.
   *
   * @param choose - Asked for each request with its number since this call, from 0. The request waits for its promise.
   */
  spoil(choose: ChooseFault): void
  /** Lets everything through from now on. */
  heal(): void
}

/** Starts a proxy on a free port, before the server at `upstream`. The `Host` is passed on, since S3 signs it. */
export async function startFaultsProxy(upstream: string): Promise<FaultsProxy> {
  const state = {
    choose: (() => undefined) as ChooseFault,
    since: 0,
  }
  const counted = { requests: 0, injected: 0 }
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const asked = { number: state.since++, method, url, headers }
    counted.requests++
    const fault = state.choose(asked)
    const note = () => {
      counted.injected++
    }
    pass(request, response, upstream, fault, note).catch(() => response.destroy())
  })
  server.on('checkContinue', (request, response) => {
    response.writeContinue()
    server.emit('request', request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const spoil: FaultsProxy['spoil'] = (choose) => {
    state.choose = choose
    state.since = 0
  }
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return counted.requests
    },
    get injected() {
      return counted.injected
    },
    spoil,
    heal: () => spoil(() => undefined),
    [Symbol.asyncDispose]: () => stop(server),
  }
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: string,
  chosen: MaybePromise<Fault | undefined>,
  note: () => void,
): Promise<void> {
  const fault = chosen instanceof Promise ? await chosen : chosen
  if (fault?.kind === 'answer') {
    note()
    request.resume()
    if (!request.complete) await once(request, 'end')
    answer(response, fault)
    return
  }
  if (fault?.kind === 'silence' || fault?.kind === 'reset') {
    note()
    if (fault.kind === 'reset') request.socket.resetAndDestroy()
    else request.resume()
    return
  }
  const { hostname, port } = new URL(upstream)
  const headers = { ...request.headers }
  delete headers.expect
  const forwarded = send({ hostname, port, method: request.method, path: request.url, headers, agent: false })
  response.once('close', () => forwarded.destroy())
  const cut = () => {
    request.socket.destroy()
    forwarded.destroy()
  }
  const answered = once(forwarded, 'response') as Promise<[IncomingMessage]>
  const sent = pipeline(request, spoilt('up', fault, note, cut), forwarded)
  // An answer may come, or the connection be cut, before the body is through.
  sent.catch(() => undefined)
  const [incoming] = await answered
  if (fault?.kind === 'lose') {
    note()
    incoming.resume()
    await once(incoming, 'end')
    if (fault.status === undefined) request.socket.destroy()
    else answer(response, { status: fault.status })
    return
  }
  response.writeHead(incoming.statusCode ?? 502, incoming.rawHeaders)
  await pipeline(incoming, spoilt('down', fault, note, cut), response)
}

function answer(
  response: ServerResponse,
  { status, headers, body = 'injected fault\n' }: { status: number; headers?: Record<string, string>; body?: string },
): void {
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close', ...headers })
  response.end(body)
}

/** Passes bytes on, and does what the fault says if it is one of this way. */
function spoilt(way: 'up' | 'down', fault: Fault | undefined, note: () => void, cut: () => void): Transform {
  const mine = fault && 'way' in fault && fault.way === way ? fault : undefined
  let passed = 0
  const once = { noted: false }
  const noteOnce = () => {
    if (!once.noted) note()
    once.noted = true
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, callback: TransformCallback) {
      const from = passed
      passed += chunk.length
      if (mine === undefined) return callback(null, chunk)
      if (mine.kind === 'slow') {
        noteOnce()
        setTimeout(callback, mine.delayMs, null, chunk)
        return
      }
      const at = (mine.kind === 'corrupt' ? mine.atByte : mine.afterBytes) - from
      if (at < 0 || at >= chunk.length) return callback(null, chunk)
      noteOnce()
      if (mine.kind === 'corrupt') {
        const copy = Buffer.from(chunk)
        copy[at] = (copy[at] ?? 0) ^ 1
        return callback(null, copy)
      }
      this.push(chunk.subarray(0, at))
      // A stall never calls back.
      if (mine.kind === 'cut') setImmediate(cut)
    },
  })
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

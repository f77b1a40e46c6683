import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a proxy does to the connections through it. */
export type ProxyFault =
  | { kind: 'none' }
  /** Delay of every answer. */
  | { kind: 'delay'; delayMs: number }
  /** Requests are executed; their answers are lost, and the connection with them. */
  | { kind: 'lose-responses' }
  /** Every request is answered with 503. */
  | { kind: 'unavailable'; retryAfterSeconds: number }
  /** Nothing comes through in either direction, and no connection is closed. */
  | { kind: 'silence' }
  /** Connections are cut as soon as something is sent. */
  | { kind: 'reset' }

const NONE: ProxyFault = { kind: 'none' }
const CHECK_MS = 50

/** A TCP proxy that injects the given faults. Without a fault it changes nothing. */
export class FaultProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #target: { host: string; port: number }
  readonly #sockets = new Set<Socket>()
  #fault: ProxyFault = NONE

  private constructor(target: { host: string; port: number }) {
    this.#target = target
    this.#server = createServer((caller) => this.#accept(caller))
  }

  static async start(target: { host: string; port: number }, host = '127.0.0.1'): Promise<FaultProxy> {
    const proxy = new FaultProxy(target)
    proxy.#server.listen(0, host)
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** From now on, also for open connections. Returns what ends the fault, unless another one has replaced it. */
  inject(fault: ProxyFault): () => void {
    this.#fault = fault
    return () => {
      if (this.#fault === fault) this.#fault = NONE
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  #accept(caller: Socket): void {
    const target = connect(this.#target)
    const pair = [caller, target]
    let isAnswered = false
    const close = () => {
      target.destroy()
      if (!isAnswered) caller.destroy()
    }
    for (const socket of pair) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', close)
      socket.on('close', () => this.#sockets.delete(socket))
    }
    caller.on('close', () => target.destroy())
    const answer = (text: string) => {
      isAnswered = true
      caller.end(text)
      target.destroy()
    }
    void this.#pump(caller, target, () => this.#passesRequest(answer, close)).catch(close)
    void this.#pump(target, caller, () => this.#passesResponse(close)).catch(close)
  }

  async #pump(from: Socket, to: Socket, passes: () => Promise<boolean>): Promise<void> {
    for await (const chunk of from) {
      if (!(await passes())) return
      if (!to.write(chunk as Buffer)) await once(to, 'drain')
    }
    to.end()
  }

  async #passesRequest(answer: (text: string) => void, close: () => void): Promise<boolean> {
    await this.#untilHeard()
    const fault = this.#fault
    if (fault.kind === 'unavailable') {
      const headers = [`Retry-After: ${fault.retryAfterSeconds}`, 'Content-Length: 0', 'Connection: close']
      answer(`${['HTTP/1.1 503 Service Unavailable', ...headers].join('\r\n')}\r\n\r\n`)
      return false
    }
    if (fault.kind === 'reset') close()
    return fault.kind !== 'reset'
  }

  async #passesResponse(close: () => void): Promise<boolean> {
    await this.#untilHeard()
    if (this.#fault.kind === 'delay') await sleep(this.#fault.delayMs)
    if (this.#fault.kind !== 'lose-responses') return true
    close()
    return false
  }

  async #untilHeard(): Promise<void> {
    while (this.#fault.kind === 'silence' && this.#server.listening) await sleep(CHECK_MS)
  }
}

import { once } from 'node:events'
import { Readable } from 'node:stream'
import { omitUndefined } from '@osb-backup/node'
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import { z } from 'zod'
import { connectorUnder } from '../address-rule.ts'
import { DISCARD_DEADLINE_MS, readBody } from '../bounded-body.ts'
import { trustOf } from '../connection-trust.ts'
import { parseRetryAfter } from '../retry-after.ts'
import { StoreError } from '../store-error.ts'
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_IDLE_TIMEOUT_MS, type StoreOptions } from '../store-options.ts'
import { readApplicationCredentialExpiry } from './keystone-login.ts'
import { statusOfSegmentProblems } from './segment-problems.ts'
import { discard, hasTransactionId, isFromSwift, type Login, readJson } from './swift-answer.ts'
import { NotSwiftAnswer, type StatusDetail, UnexpectedStatus } from './swift-error.ts'
import { SwiftSession } from './swift-session.ts'
import type { SwiftSettings } from './swift-settings.ts'

/** One request to Swift, its path relative to the project's account. */
export interface SwiftRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  container: string
  name?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: Buffer | (() => Buffer | Readable)
  /** Length of a body that is a stream. */
  sizeBytes?: number
  /** Statuses that are not failures; others are thrown as `UnexpectedStatus`. */
  accept: readonly number[]
  /** How long the server may take to answer once it has the body. */
  answerTimeoutMs?: number
  signal?: AbortSignal
}

export type SwiftAnswer = Dispatcher.ResponseData

const PIECE_BYTES = 256 * 1024
const MAX_PROBLEMS_BYTES = 4 * 1024 * 1024

/** Without these undici reads the environment; only the caller that opens a store decides. */
const noEnvironment = { httpProxy: '', httpsProxy: '', noProxy: '' }

/** Sends requests to Swift under a login, renewing it when Swift no longer accepts it. */
export class SwiftClient {
  readonly #dispatcher: Dispatcher
  readonly #session: SwiftSession

  constructor(settings: SwiftSettings, options: StoreOptions) {
    if (/^\.{0,2}$/.test(settings.container)) {
      throw new StoreError('misconfigured', `"${settings.container}" cannot be the name of a container.`)
    }
    const idleTimeoutMs = options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS
    const connect = {
      timeout: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      ...trustOf(settings.tls, options),
    }
    const { mayConnectTo } = options
    const timeouts = {
      connect: mayConnectTo ? connectorUnder(mayConnectTo, connect) : connect,
      headersTimeout: idleTimeoutMs,
      // Counts only while data is asked for: a reader may pause for as long as it likes.
      bodyTimeout: idleTimeoutMs,
    }
    this.#dispatcher = options.proxy
      ? new EnvHttpProxyAgent({ ...timeouts, requestTls: connect, ...noEnvironment, ...options.proxy })
      : new Agent(timeouts)
    this.#session = new SwiftSession(settings, this.#dispatcher)
  }

  /** Sends a request. The caller reads the answer's body or dumps it. */
  async send(wanted: SwiftRequest): Promise<SwiftAnswer> {
    const login = await abortable(this.#session.login(), wanted.signal)
    try {
      return await accepted(await this.#sendAs(login, wanted), wanted)
    } catch (error) {
      if (!(error instanceof UnexpectedStatus && error.status === 401)) throw error
      const renewed = await abortable(this.#session.renew(login), wanted.signal)
      return accepted(await this.#sendAs(renewed, wanted), wanted)
    }
  }

  /** Logs in again, for a request whose answer says only in its body that the token was rejected. */
  async renewLogin(signal?: AbortSignal): Promise<void> {
    const login = await abortable(this.#session.login(), signal)
    await abortable(this.#session.renew(login), signal)
  }

  /** As `send`, for answers whose body does not matter. */
  async sendAndDump(wanted: SwiftRequest): Promise<SwiftAnswer> {
    const answer = await this.send(wanted)
    await discard(answer.body)
    return answer
  }

  /** When what it logs in with expires; undefined: never, or the server does not say. */
  async credentialsExpireAt(signal?: AbortSignal): Promise<Date | undefined> {
    const login = await abortable(this.#session.login(), signal)
    const { token, passwordExpiresAt, applicationCredentialUrl: url } = login
    if (url === undefined) return passwordExpiresAt
    return readApplicationCredentialExpiry(url, token, omitUndefined({ dispatcher: this.#dispatcher, signal }))
  }

  /** What the server says of itself; undefined where it does not. */
  async info(signal?: AbortSignal): Promise<unknown> {
    const { storageUrl } = await this.#session.login()
    const url = storageUrl.replace(/\/v1(\/.*)?$/, '/info')
    const { statusCode, headers, body } = await request(url, omitUndefined({ dispatcher: this.#dispatcher, signal }))
    if (statusCode !== 200) {
      await discard(body)
      if (statusCode < 500 && statusCode !== 429) return undefined
      throw new UnexpectedStatus(statusCode, parseRetryAfter(headers['retry-after'], new Date()))
    }
    // A server that has something else there says nothing of its limits.
    return readJson(body, z.unknown()).catch((error: unknown) => {
      if (error instanceof NotSwiftAnswer) return undefined
      throw error
    })
  }

  #sendAs({ token, storageUrl }: Login, wanted: SwiftRequest): Promise<SwiftAnswer> {
    const name = wanted.name === undefined ? '' : `/${wanted.name.split('/').map(encodeURIComponent).join('/')}`
    const query = wanted.query ? `?${new URLSearchParams(wanted.query)}` : ''
    const body = bodyOf(wanted)
    const length = body !== undefined && { 'content-length': String(wanted.sizeBytes ?? (body as Buffer).length) }
    return request(`${storageUrl}/${encodeURIComponent(wanted.container)}${name}${query}`, {
      dispatcher: this.#dispatcher,
      method: wanted.method,
      headers: {
        ...(isManifestPut(wanted) && { accept: 'application/json' }),
        ...wanted.headers,
        ...length,
        'x-auth-token': token,
      },
      ...omitUndefined({ body, headersTimeout: wanted.answerTimeoutMs, signal: wanted.signal }),
    })
  }
}

/**
 * Returns an answer with one of the wanted statuses; the caller reads its body.
 *
 * @throws {UnexpectedStatus} For another status.
 * @throws {NotSwiftAnswer} If Swift did not give the answer.
 */
async function accepted(answer: SwiftAnswer, wanted: SwiftRequest): Promise<SwiftAnswer> {
  const isForeign404 = answer.statusCode === 404 && !hasTransactionId(answer)
  const isAccepted = wanted.accept.includes(answer.statusCode) && !isForeign404
  if (isAccepted && isFromSwift(wanted, answer)) return answer
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], new Date())
  const text = await readText(answer)
  const status = answer.statusCode === 400 && isManifestPut(wanted) ? statusOfSegmentProblems(text) : answer.statusCode
  if (isAccepted || status < 300) throw new NotSwiftAnswer(`Status ${status} is not an answer of Swift`)
  throw new UnexpectedStatus(status, retryAfterMs, detailOf(answer, wanted, text))
}

const isManifestPut = ({ method, query }: SwiftRequest) => method === 'PUT' && query?.['multipart-manifest'] === 'put'

function detailOf(answer: SwiftAnswer, wanted: SwiftRequest, text: string): StatusDetail | undefined {
  const { statusCode: status } = answer
  const isPage = /^text\/html/i.test(String(answer.headers['content-type']))
  if (!hasTransactionId(answer) && (status === 404 || (isPage && status < 500))) return 'ForeignStatus'
  // Swift answers 404 to a PUT whose container is missing, and to any request for a container itself.
  const isAboutContainer = wanted.name === undefined || (wanted.method === 'PUT' && text !== 'NoSuchKey')
  if (status === 404 && isAboutContainer) return 'NoSuchContainer'
  if ((status === 413 || status === 403) && /quota/i.test(text)) return 'QuotaExceeded'
  return undefined
}

/** The explanation of a failure; nothing where it cannot be read. */
async function readText({ body }: SwiftAnswer): Promise<string> {
  const content = await readBody(body, { maximumBytes: MAX_PROBLEMS_BYTES, deadlineMs: DISCARD_DEADLINE_MS }).catch(
    () => undefined,
  )
  return content?.toString('utf8') ?? ''
}

/**
 * Large bodies go out piece by piece. Undici waits for an answer from the last piece on, so a large one under way on a
 * slow line would otherwise be taken for silence.
 */
function bodyOf({ body, sizeBytes }: SwiftRequest): Buffer | Readable | undefined {
  const found = typeof body === 'function' ? body() : body
  const isLarge = sizeBytes !== undefined && Buffer.isBuffer(found) && found.length > PIECE_BYTES
  return isLarge ? inPieces(found) : found
}

function inPieces(bytes: Buffer): Readable {
  let at = 0
  return new Readable({
    read() {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      at += piece.length
      this.push(piece.length > 0 ? piece : null)
    },
  })
}

/** Stops waiting for what others may still wait for. */
async function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise
  signal.throwIfAborted()
  const waiting = new AbortController()
  const aborted = once(signal, 'abort', { signal: waiting.signal }).then(() => signal.throwIfAborted())
  // Ends the waiting when the promise was first, which fails it.
  aborted.catch(() => undefined)
  try {
    await Promise.race([promise, aborted])
    return await promise
  } finally {
    waiting.abort()
  }
}

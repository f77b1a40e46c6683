import { problemSchema } from '@osb-backup/protocol/v1'
import type { z } from 'zod'
import { ApiError } from './api-error.ts'

/** Where the manager is, and who we are to it. */
export interface ClientOptions {
  /** Such as `http://127.0.0.1:8080`. */
  url: string
  /** What authenticates each call: a token, or a function that answers the one to use now. */
  token: string | (() => Promise<string>)
  /** Longest wait for an answer; a minute by default. */
  timeoutMs?: number
  /** Cancels every call. */
  signal?: AbortSignal | undefined
}

/** Options of every call. */
export interface CallOptions {
  /** Cancels the call. */
  signal?: AbortSignal | undefined
}

/** Options of calls that edit. */
export interface EditOptions extends CallOptions {
  /** The version that was read: if it is another one meanwhile, nothing is written and the call rejects with status 412. */
  version?: string | undefined
}

/** Options of calls that create something. */
export interface CreateOptions extends CallOptions {
  /** The same request with the same key creates nothing else for 24 hours, so it may be repeated after a failure. */
  idempotencyKey?: string | undefined
}

/** A thing that can be edited, with its version, to be named when it is edited. */
export interface Versioned<T> {
  value: T
  version: string
}

/**
 * The header that authenticates a call.
 *
 * @throws {ApiError} If no token can look like this. What a header cannot contain would be quoted by the error of `fetch`.
 */
export async function authorizationOf({ token }: ClientOptions): Promise<string> {
  const current = typeof token === 'string' ? token : await token()
  if (/^[\x21-\x7e]*$/.test(current)) return `Bearer ${current}`
  throw new ApiError('The token is not valid: it contains blanks or other characters that no token has.', {
    status: 401,
  })
}

/** The shape of an answer; or what loads it, so that a page does not load the shapes of resources that it does not show. */
export type AnswerShape<T> = z.ZodType<T> | (() => Promise<z.ZodType<T>>)

/** One call of the API. */
export interface Call<T> extends EditOptions, CreateOptions {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  query?: object | undefined
  body?: unknown
  /** The shape of the answer; undefined for one without content. */
  answer: AnswerShape<T>
}

/** An answer that is read while it comes. */
export interface OpenAnswer {
  content: ReadableStream<Uint8Array>
  /** Size of the whole, of which a range may be read. */
  sizeBytes: number
}

const DEFAULT_TIMEOUT_MS = 60_000
/** Longest answer; pages of lists and logs are bounded by the manager. */
const MAXIMUM_CHARACTERS = 64 * 1024 * 1024

/** Makes calls to one manager, each with a deadline. */
export class Connection {
  readonly options: ClientOptions

  constructor(options: ClientOptions) {
    this.options = options
  }

  /**
   * Makes a call and reads its answer.
   *
   * @throws {ApiError} If the manager refuses, does not answer, or answers in another shape.
   */
  async call<T>(call: Call<T>): Promise<T> {
    return (await this.#send(call)).value
  }

  /** As `call`, with the version of the answer. */
  async callVersioned<T>(call: Call<T>): Promise<Versioned<T>> {
    const { value, etag } = await this.#send(call)
    if (etag === null) throw new ApiError(`${call.method} ${call.path} was answered without an ETag.`)
    return { value, version: etag }
  }

  /**
   * Opens an answer whose size is not bounded. The caller reads it to its end, or cancels it.
   *
   * @throws {ApiError} If the manager refuses, or does not begin to answer in time.
   */
  async open(path: string, query: object, { signal }: CallOptions = {}): Promise<OpenAnswer> {
    const url = urlOf(this.options, path, query)
    const headers = {
      authorization: await authorizationOf(this.options),
      accept: 'application/octet-stream, application/problem+json',
    }
    const abort = new AbortController()
    const timer = setTimeout(
      () => abort.abort(new Error('no answer in time')),
      this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    )
    const cancelled = this.#signalOf(signal)
    try {
      const init = { headers, signal: anyOf(cancelled, abort.signal), redirect: 'manual' } as const
      const response = await fetch(url, init).catch((cause: unknown) => {
        cancelled?.throwIfAborted()
        throw new ApiError(`The manager at ${url.origin} does not answer: ${reasonOf(cause)}.`, { cause })
      })
      if (!response.ok) throw refusalOf(url, response, parseJson(await textOf(response)))
      const [, sizeBytes] = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
      if (response.body === null || sizeBytes === undefined) {
        throw new ApiError(`GET ${path} was answered in another shape than expected.`, { status: response.status })
      }
      return { content: response.body, sizeBytes: Number(sizeBytes) }
    } finally {
      clearTimeout(timer)
    }
  }

  async #send<T>(call: Call<T>): Promise<{ value: T; etag: string | null }> {
    const url = urlOf(this.options, call.path, call.query)
    const timeout = AbortSignal.timeout(this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    const cancelled = this.#signalOf(call.signal)
    const body = call.body === undefined ? null : JSON.stringify(call.body)
    const headers = { authorization: await authorizationOf(this.options), ...headersOf(call) }
    // A redirected POST becomes a GET, and the token is meant for this server alone.
    const init = { method: call.method, headers, body, signal: anyOf(cancelled, timeout), redirect: 'manual' } as const
    const { response, text } = await fetchText(url, init).catch((cause: unknown) => {
      if (cancelled?.aborted && call.method !== 'GET') {
        throw new ApiError('Cancelled after the request was sent: it may be carried out all the same.', { cause })
      }
      cancelled?.throwIfAborted()
      if (cause instanceof ApiError) throw cause
      throw new ApiError(`The manager at ${url.origin} does not answer: ${reasonOf(cause)}.`, { cause })
    })
    const content = parseJson(text)
    if (!response.ok) throw refusalOf(url, response, content)
    const shape = typeof call.answer === 'function' ? await call.answer() : call.answer
    const answer = shape.safeParse(content)
    if (answer.success) return { value: answer.data, etag: response.headers.get('etag') }
    if (typeof content === 'string') throw foreignAnswer(url, response)
    const message = `${call.method} ${call.path} was answered in another shape than expected.`
    throw new ApiError(message, { status: response.status, cause: answer.error })
  }

  #signalOf(signal: AbortSignal | undefined): AbortSignal | undefined {
    const own = this.options.signal
    return own !== undefined && signal !== undefined ? AbortSignal.any([own, signal]) : (own ?? signal)
  }
}

const anyOf = (signal: AbortSignal | undefined, limit: AbortSignal) =>
  signal === undefined ? limit : AbortSignal.any([signal, limit])

async function fetchText(url: URL, init: RequestInit): Promise<{ response: Response; text: string }> {
  const response = await fetch(url, init)
  return { response, text: await textOf(response) }
}

/** The body of an answer, which must not be larger than a manager's. */
async function textOf(response: Response): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    text += decoder.decode(value, { stream: true })
    if (text.length > MAXIMUM_CHARACTERS) {
      await reader.cancel()
      throw new ApiError('The answer is larger than any of a manager.', { status: response.status })
    }
  }
}

function headersOf<T>(call: Call<T>): Record<string, string> {
  const contentType = call.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  return {
    accept: 'application/json, application/problem+json',
    ...(call.body === undefined ? {} : { 'content-type': contentType }),
    ...(call.version === undefined ? {} : { 'if-match': call.version }),
    ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
  }
}

/** The URL of a call. */
export function urlOf({ url }: ClientOptions, path: string, query: object = {}): URL {
  const whole = new URL(url.replace(/\/+$/, '') + path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) whole.searchParams.set(name, String(value))
  }
  return whole
}

/** The error of an answer that is no success. */
function refusalOf(url: URL, response: Response, content: unknown): ApiError {
  const { status, headers, type } = response
  if (type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    const location = headers.get('location')
    const target = location !== null && URL.canParse(location, url.href) ? ` to ${new URL(location, url).origin}` : ''
    return new ApiError(`${url.origin} redirects${target}: use the URL of the manager itself.`)
  }
  const isProblem = typeof content === 'object' || status >= 500
  return isProblem ? errorOf(status, content) : foreignAnswer(url, response)
}

/** The error of an answer that no manager gives, such as a web page. */
function foreignAnswer(url: URL, { status }: Response): ApiError {
  return new ApiError(`${url.origin} answers (${status}), but not as a manager: check the URL, and proxies.`)
}

/** The error of a call that the manager refused. */
export function errorOf(status: number, content: unknown): ApiError {
  const { data: problem } = problemSchema.safeParse(content)
  const message = problem?.detail ?? `The manager answered ${status}.`
  return new ApiError(message, { status, code: problem?.code, field: problem?.field, jobId: problem?.jobId })
}

/** A body as JSON; as text where it is none; undefined where it is empty. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message
}

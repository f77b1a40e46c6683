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

/** The header that authenticates a call. */
export async function authorizationOf({ token }: ClientOptions): Promise<string> {
  return `Bearer ${typeof token === 'string' ? token : await token()}`
}

/** One call of the API. */
export interface Call<T> extends EditOptions, CreateOptions {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  query?: object | undefined
  body?: unknown
  /** The shape of the answer; undefined for one without content. */
  answer: z.ZodType<T>
}

/** An answer that is read while it comes. */
export interface OpenAnswer {
  content: ReadableStream<Uint8Array>
  /** Size of the whole, of which a range may be read. */
  sizeBytes: number
}

const DEFAULT_TIMEOUT_MS = 60_000

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
    const signals = signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal])
    try {
      const response = await fetch(url, { headers, signal: signals }).catch((cause: unknown) => {
        signal?.throwIfAborted()
        throw new ApiError(`The manager at ${url.origin} does not answer: ${reasonOf(cause)}.`, { cause })
      })
      if (!response.ok) throw errorOf(response.status, parseJson(await response.text()))
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
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout])
    const body = call.body === undefined ? null : JSON.stringify(call.body)
    const headers = { authorization: await authorizationOf(this.options), ...headersOf(call) }
    const init = { method: call.method, headers, body, signal }
    const { response, text } = await fetchText(url, init).catch((cause: unknown) => {
      call.signal?.throwIfAborted()
      throw new ApiError(`The manager at ${url.origin} does not answer: ${reasonOf(cause)}.`, { cause })
    })
    const content = parseJson(text)
    if (!response.ok) throw errorOf(response.status, content)
    const answer = call.answer.safeParse(content)
    if (answer.success) return { value: answer.data, etag: response.headers.get('etag') }
    const message = `${call.method} ${call.path} was answered in another shape than expected.`
    throw new ApiError(message, { status: response.status, cause: answer.error })
  }
}

async function fetchText(url: URL, init: RequestInit): Promise<{ response: Response; text: string }> {
  const response = await fetch(url, init)
  return { response, text: await response.text() }
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

import { problemSchema } from '@osb-backup/protocol'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'

/** Where the manager is, and who we are to it. */
export interface ClientOptions {
  /** Such as `http://127.0.0.1:8080`. */
  url: string
  token: string
  /** Longest wait for an answer. */
  timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 60_000

/** One call to the manager: method, path, what is sent, and the shape of the answer. */
export interface Call<T> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string | number | undefined>
  body?: unknown
  answer: z.ZodType<T>
  signal?: AbortSignal | undefined
  /** The version that is edited: if it is another one meanwhile, nothing is written. */
  version?: string | undefined
  /** The same request with the same key starts no second job. */
  idempotencyKey?: string | undefined
}

/** What can be edited, and its version: named when it is sent back, so that nobody's change is written over. */
export interface Versioned<T> {
  value: T
  /** The ETag. */
  version: string
}

/** Which page of a list. */
export interface Paging {
  /** From 0. */
  page?: number
  size?: number
  /** `property,asc` or `property,desc`. */
  sort?: string
}

const nothing = z.unknown().transform(() => undefined)

/** Makes calls to one manager, each with a limit of time. */
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

  get<T>(path: string, answer: z.ZodType<T>, query: Paging = {}): Promise<T> {
    return this.call({ method: 'GET', path, query: { ...query }, answer })
  }

  /** As `get`, with the version of what is answered. */
  async getVersioned<T>(path: string, answer: z.ZodType<T>): Promise<Versioned<T>> {
    const { value, etag } = await this.#send({ method: 'GET', path, answer })
    if (etag === null) throw new ApiError(`GET ${path} was answered without a version.`)
    return { value, version: etag }
  }

  remove(path: string): Promise<void> {
    return this.call({ method: 'DELETE', path, answer: nothing })
  }

  async #send<T>(call: Call<T>): Promise<{ value: T; etag: string | null }> {
    const { options } = this
    const url = urlOf(options, call.path, call.query)
    const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    const response = await fetch(url, {
      method: call.method,
      headers: headersOf(options, call),
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal: call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]),
    }).catch((cause: unknown) => {
      call.signal?.throwIfAborted()
      throw new ApiError(`The manager at ${url.origin} does not answer: ${reasonOf(cause)}.`, { cause })
    })
    const content = parsed(await response.text())
    if (!response.ok) throw refusalOf(response.status, content)
    const answer = call.answer.safeParse(content)
    if (answer.success) return { value: answer.data, etag: response.headers.get('etag') }
    throw new ApiError(`${call.method} ${call.path} was answered in another shape than expected.`, {
      status: response.status,
      cause: answer.error,
    })
  }
}

function headersOf<T>({ token }: ClientOptions, { body, version, idempotencyKey }: Call<T>): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    accept: 'application/json, application/problem+json',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(version === undefined ? {} : { 'if-match': version }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  }
}

/** Where a call goes. */
export function urlOf({ url }: ClientOptions, path: string, query: Call<unknown>['query'] = {}): URL {
  const whole = new URL(url.replace(/\/+$/, '') + path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) whole.searchParams.set(name, String(value))
  }
  return whole
}

/** What the manager says when it refuses a call. */
export function refusalOf(status: number, content: unknown): ApiError {
  const problem = problemSchema.safeParse(content)
  return new ApiError(problem.data?.detail ?? `The manager answered ${status}.`, { status, field: problem.data?.field })
}

/** A body as JSON; as text where it is none. */
export function parsed(text: string): unknown {
  if (text === '') return null
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

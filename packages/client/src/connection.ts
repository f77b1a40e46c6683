import { problemSchema } from '@osb-backup/protocol'
import type { z } from 'zod'
import { ApiError } from './api-error.ts'

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
}

/**
 * Makes a call and reads its answer.
 *
 * @throws {ApiError} If the manager refuses, does not answer, or answers in another shape.
 */
export async function callManager<T>(options: ClientOptions, call: Call<T>): Promise<T> {
  const url = urlOf(options, call.path, call.query)
  const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  const response = await fetch(url, {
    method: call.method,
    headers: {
      authorization: `Bearer ${options.token}`,
      accept: 'application/json, application/problem+json',
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: call.body === undefined ? null : JSON.stringify(call.body),
    signal: call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]),
  }).catch((cause: unknown) => {
    call.signal?.throwIfAborted()
    throw new ApiError(`The manager at ${url.origin} does not answer: ${reasonOf(cause)}.`, { cause })
  })
  const text = await response.text()
  const content = parsed(text)
  if (!response.ok) throw refusalOf(response.status, content)
  const answer = call.answer.safeParse(content)
  if (answer.success) return answer.data
  throw new ApiError(`${call.method} ${call.path} was answered in another shape than expected.`, {
    status: response.status,
    cause: answer.error,
  })
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

import { logFields, omitUndefined } from '@osb-backup/node'
import { activeTraceparent } from '@osb-backup/node/tracing'
import { type Dispatcher, request } from 'undici'
import type { AgentAddress } from './agent-answer.ts'

/** Longest wait for the answer to a call. */
export const CALL_TIMEOUT_MS = 30_000
/** The code of errors of connections that were not established, because the agent has not proved that it is the one. */
export const AGENT_NOT_TRUSTED = 'AGENT_NOT_TRUSTED'

/** A call to an agent. */
export interface AgentCall {
  signal: AbortSignal
  /** What it is sent over. */
  dispatcher: Dispatcher
  /** Longest wait for its answer. */
  timeoutMs?: number
}

/** Sends a request to an agent, with the ID of the request and the trace that it belongs to. */
export function sendToAgent(
  address: AgentAddress,
  method: Dispatcher.HttpMethod,
  path: string,
  body: unknown,
  { signal, dispatcher, timeoutMs }: Required<AgentCall>,
): Promise<Dispatcher.ResponseData> {
  const credentials = Buffer.from(`${address.username}:${address.password ?? ''}`).toString('base64')
  return request(address.url + path, {
    dispatcher,
    method,
    headers: {
      authorization: `Basic ${credentials}`,
      'content-type': 'application/json',
      accept: 'application/json',
      ...omitUndefined({ 'x-request-id': logFields().requestId, traceparent: activeTraceparent() }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  })
}

/** Errors that occur before a request is sent. */
const connectErrors: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ERR_ADDRESS_FORBIDDEN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  AGENT_NOT_TRUSTED,
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Whether the agent may have received a request that failed with this error. */
export function mayHaveArrived(error: unknown): boolean {
  return !(error instanceof Error && 'code' in error && connectErrors.has(error.code))
}

/** Why a call failed, for users to read. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} seconds`
  return error.message || ('code' in error ? String(error.code) : error.name)
}

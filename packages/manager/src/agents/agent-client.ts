import type { RunKind } from '@osb-backup/core'
import { logFields, omitUndefined } from '@osb-backup/node'
import { activeTraceparent, withSpan } from '@osb-backup/node/tracing'
import {
  type AgentBackupRequest,
  type AgentRestoreRequest,
  lockedDatabaseSchema,
  reportedPackSchema,
} from '@osb-backup/protocol'
import { type Dispatcher, request } from 'undici'
import { z } from 'zod'
import {
  type AgentAddress,
  type AgentAnswer,
  correctCredentials,
  credentialsRefused,
  messageIn,
  parsed,
  readAnswer,
  readBounded,
  readDeletion,
} from './agent-answer.ts'
import { storable } from './storable.ts'

const CALL_TIMEOUT_MS = 30_000
const STATUS_TIMEOUT_MS = 10_000
/** How much of what an agent reports to be wrong with its settings is stored. */
const MAX_PROBLEM_LENGTH = 1000
/** The code of errors of connections that were not established, because the agent has not proved that it is the one. */
export const AGENT_NOT_TRUSTED = 'AGENT_NOT_TRUSTED'

const MAX_DISKS = 20
const diskBytesSchema = z
  .record(z.string().max(100), z.number().nonnegative())
  .refine((sizes) => Object.keys(sizes).length <= MAX_DISKS)
  .catch({})

/** What the manager reads of an agent's status. Old agents report a message alone, and none is trusted with its size. */
const agentHealthReportSchema = z.looseObject({
  message: z.string(),
  version: z.string().max(100).optional().catch(undefined),
  capabilities: z.array(z.string().max(100)).max(200).catch([]),
  /** Why it accepts no new jobs until its settings are corrected. */
  start_problem: z
    .string()
    .transform((text) => text.slice(0, MAX_PROBLEM_LENGTH))
    .optional()
    .catch(undefined),
  /** Its time of day. */
  time: z.iso.datetime({ offset: true }).optional().catch(undefined),
  /** File systems by the setting that names a directory in them. */
  free_disk_bytes: diskBytesSchema,
  disk_size_bytes: diskBytesSchema,
  /** Agents that report none have one pack at most, and ignore which one a request names. */
  packs: z.array(reportedPackSchema).max(1000).catch([]),
  /** Undefined: the agent does not report it. */
  locked_databases: z.array(lockedDatabaseSchema).max(10_000).optional().catch(undefined),
})
export type AgentHealthReport = z.infer<typeof agentHealthReportSchema>

/** A call to an agent. */
export interface AgentCall {
  signal: AbortSignal
  /** What it is sent over. */
  dispatcher: Dispatcher
  /** Longest wait for its answer. */
  timeoutMs?: number
}

/** Starts a job at an agent. Starting one that it knows changes nothing and returns its state. */
export function startAtAgent(
  address: AgentAddress,
  kind: RunKind,
  body: AgentBackupRequest | AgentRestoreRequest,
  options: AgentCall,
): Promise<AgentAnswer> {
  return call(address, kind === 'backup' ? 'POST' : 'PUT', `/${kind}`, body, options)
}

/** Reads the state of a job. */
export function readAtAgent(
  address: AgentAddress,
  kind: RunKind,
  id: string,
  options: AgentCall,
): Promise<AgentAnswer> {
  return call(address, 'GET', `/${kind}/${encodeURIComponent(id)}`, undefined, options)
}

/**
 * Cancels a job that runs. Its result can be read when it has ended, until it is forgotten. Agents that know no such request
 * forget the job when it has ended.
 */
export function cancelAtAgent(
  address: AgentAddress,
  kind: RunKind,
  id: string,
  options: AgentCall,
): Promise<AgentAnswer> {
  return call(address, 'DELETE', `/${kind}`, { id, keep_result: true }, options)
}

/** The agent forgets a job that has ended. */
export function forgetAtAgent(
  address: AgentAddress,
  kind: RunKind,
  id: string,
  options: AgentCall,
): Promise<AgentAnswer> {
  return call(address, 'DELETE', `/${kind}`, { id }, options)
}

/** Has an unlock that failed retried at once. Answers with the job. */
export function retryUnlockAtAgent(
  address: AgentAddress,
  kind: RunKind,
  id: string,
  options: AgentCall,
): Promise<AgentAnswer> {
  return call(address, 'POST', `/${kind}/${encodeURIComponent(id)}/retry-unlock`, undefined, options)
}

/** Marks a database whose unlock failed as unlocked. Answers with the job. */
export function markUnlockedAtAgent(
  address: AgentAddress,
  kind: RunKind,
  id: string,
  options: AgentCall,
): Promise<AgentAnswer> {
  return call(address, 'POST', `/${kind}/${encodeURIComponent(id)}/mark-unlocked`, undefined, options)
}

/** What an agent answered to the question what can be backed up. `failed`: it is not going to change by itself. */
export type ItemsAnswer =
  | { kind: 'items'; items: string[] }
  | { kind: 'unreachable' | 'busy' | 'refused' | 'failed'; reason: string }

const itemsSchema = z.looseObject({ items: z.array(z.string().max(1000)).max(10_000) })

/** Asks an agent what can be backed up. */
export async function listItemsAtAgent(
  address: AgentAddress,
  body: Pick<AgentBackupRequest, 'pack' | 'backup'>,
  { signal, dispatcher, timeoutMs = CALL_TIMEOUT_MS }: AgentCall,
): Promise<ItemsAnswer> {
  try {
    const answer = await send(address, 'POST', '/items', body, { signal, dispatcher, timeoutMs })
    return readItems(await readBounded(answer.body), answer.statusCode, address)
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'unreachable', reason: reasonOf(error, timeoutMs) }
  }
}

function readItems(text: string, statusCode: number, address: AgentAddress): ItemsAnswer {
  const reason = (messageIn(text) ?? `it answered ${statusCode}`).replace(/\.$/, '')
  switch (statusCode) {
    case 200: {
      const read = itemsSchema.safeParse(storable(parsed(text)))
      return read.success
        ? { kind: 'items', items: read.data.items }
        : { kind: 'failed', reason: 'what it answered is no list of items' }
    }
    case 401:
    case 403:
      return { kind: 'refused', reason: correctCredentials(address) }
    case 400:
      return { kind: 'refused', reason }
    case 404:
    case 405:
      return { kind: 'failed', reason: 'agents of its kind cannot list items' }
    case 429:
      return { kind: 'busy', reason }
    case 500:
    case 501:
      return { kind: 'failed', reason }
    default:
      return { kind: 'unreachable', reason }
  }
}

/** Whether an agent has a script pack; one that does not know packs would ignore that a request names one. */
export async function checkPackAtAgent(
  address: AgentAddress,
  pack: string,
  call: Pick<AgentCall, 'signal' | 'dispatcher'>,
): Promise<Extract<AgentAnswer, { kind: 'refused' | 'unreachable' }> | undefined> {
  const answer = await statusOfAgent(address, call)
  if (answer.kind === 'failed') return { kind: 'unreachable', reason: answer.reason, mayHaveArrived: false }
  const found = answer.status.packs.find(({ name }) => name === pack)
  if (found === undefined) return { kind: 'refused', reason: `it has no script pack ${JSON.stringify(pack)}` }
  return found.problem === undefined ? undefined : { kind: 'refused', reason: found.problem }
}

/** Asks an agent how it is. Answers within seconds, also if the agent does not. */
export async function statusOfAgent(
  address: AgentAddress,
  { signal, dispatcher }: Pick<AgentCall, 'signal' | 'dispatcher'>,
): Promise<{ kind: 'status'; status: AgentHealthReport } | { kind: 'failed'; reason: string }> {
  try {
    const { statusCode, body } = await send(address, 'GET', '/status', undefined, {
      signal,
      dispatcher,
      timeoutMs: STATUS_TIMEOUT_MS,
    })
    const text = await readBounded(body)
    if (statusCode === 401 || statusCode === 403) return { kind: 'failed', reason: credentialsRefused(address) }
    if (statusCode !== 200) return { kind: 'failed', reason: `it answered ${statusCode}` }
    const read = agentHealthReportSchema.safeParse(storable(parsed(text)))
    return read.success
      ? { kind: 'status', status: read.data }
      : { kind: 'failed', reason: 'what answers is not an agent' }
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'failed', reason: reasonOf(error, STATUS_TIMEOUT_MS) }
  }
}

function send(
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

function call(
  address: AgentAddress,
  method: Dispatcher.HttpMethod,
  path: string,
  body: unknown,
  options: AgentCall,
): Promise<AgentAnswer> {
  // A job is asked for again and again: those calls would bury the others.
  if (method === 'GET') return callUntraced(address, method, path, body, options)
  // The URL itself may hold credentials.
  const host = URL.canParse(address.url) ? new URL(address.url).host : ''
  const attributes = { 'http.request.method': method, 'server.address': host }
  const [, resource = ''] = path.split('/')
  return withSpan(
    `${method} agent /${resource}`,
    { role: 'client', attributes },
    () => callUntraced(address, method, path, body, options),
    (answer) => ('reason' in answer ? answer.reason : undefined),
  )
}

async function callUntraced(
  address: AgentAddress,
  method: Dispatcher.HttpMethod,
  path: string,
  body: unknown,
  { signal, dispatcher, timeoutMs: wantedMs = CALL_TIMEOUT_MS }: AgentCall,
): Promise<AgentAnswer> {
  const timeoutMs = Math.min(wantedMs, CALL_TIMEOUT_MS)
  try {
    const answer = await send(address, method, path, body, { signal, dispatcher, timeoutMs })
    return method === 'DELETE' ? await readDeletion(answer, address) : await readAnswer(answer, address)
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'unreachable', reason: reasonOf(error, timeoutMs), mayHaveArrived: mayHaveArrived(error) }
  }
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

function mayHaveArrived(error: unknown): boolean {
  return !(error instanceof Error && 'code' in error && connectErrors.has(error.code))
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} seconds`
  return error.message || ('code' in error ? String(error.code) : error.name)
}

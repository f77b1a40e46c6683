import type { RunKind } from '@osb-backup/core'
import {
  type AgentBackupRequest,
  type AgentJob,
  type AgentRefusal,
  type AgentRefusalCode,
  type AgentRestoreRequest,
  agentRefusalSchema,
  agentStatusOf,
  lockedDatabaseSchema,
  readAgentJob,
  reportedPackSchema,
} from '@osb-backup/protocol'
import { type Dispatcher, request } from 'undici'
import { z } from 'zod'
import { TextShortener } from './bounded-json.ts'
import { storable } from './storable.ts'

const CALL_TIMEOUT_MS = 30_000
const STATUS_TIMEOUT_MS = 10_000
/** Largest answer, and how much of it is kept once its long texts were shortened: the output of scripts may be long, the rest is not. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024
const MAX_KEPT_BYTES = 4 * 1024 * 1024
/** How much of what an agent reports to be wrong with its settings is stored. */
const MAX_PROBLEM_LENGTH = 1000
/** The Go agent's name for the failure to register a job, which it has registered already. */
const JOB_CREATION_STATE = 'Job creation'

/** The code of errors of connections that were not established, because the agent has not proved that it is the one. */
export const AGENT_NOT_TRUSTED = 'AGENT_NOT_TRUSTED'

/** Where an agent listens, and our credentials there. */
export interface AgentAddress {
  url: string
  username: string
  password: string | undefined
}

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
  /** Agents that report none have one pack at most, and ignore which one a request names. */
  packs: z.array(reportedPackSchema).max(1000).catch([]),
  /** Undefined: the agent does not report it. */
  locked_databases: z.array(lockedDatabaseSchema).max(10_000).optional().catch(undefined),
})
export type AgentHealthReport = z.infer<typeof agentHealthReportSchema>

/**
 * What an agent answered. Nothing of this is exceptional to the manager, so nothing is thrown.
 * - `accepted`: the job was started by this call; or cancelled, or forgotten.
 * - `job`: the state of the job; also after a start, if it was started before. `ignored` names fields that were not as expected.
 * - `unknown`: the agent knows no such job. Asked to cancel it, our agent does not start it any more, whenever the request arrives.
 * - `gone`: the job was cancelled or deleted there, and is not started.
 * - `busy`: not now, try again later; where `code` is `database_busy`, once the job `blockedBy` has ended. `mayHaveArrived`: the
 *   answer may be that of a proxy which has forwarded the request.
 * - `refused`: never with this request.
 * - `unreachable`: no answer, or none of an agent; perhaps later. `mayHaveArrived`: the request may have reached it.
 */
export type AgentAnswer =
  | { kind: 'accepted' }
  | { kind: 'job'; job: AgentJob; ignored: string[] }
  | { kind: 'unknown' }
  | { kind: 'gone' }
  | {
      kind: 'busy'
      reason: string
      mayHaveArrived: boolean
      code?: AgentRefusalCode | undefined
      blockedBy?: AgentRefusal['blocking_job']
    }
  | { kind: 'refused'; reason: string }
  | { kind: 'unreachable'; reason: string; mayHaveArrived: boolean }

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
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  })
}

const credentialsRefused = ({ username }: AgentAddress) =>
  `it does not accept the credentials of user ${JSON.stringify(username)}`

const correctCredentials = (address: AgentAddress) =>
  `${credentialsRefused(address)}; correct username and password of the agent`

async function call(
  address: AgentAddress,
  method: Dispatcher.HttpMethod,
  path: string,
  body: unknown,
  { signal, dispatcher, timeoutMs: wantedMs = CALL_TIMEOUT_MS }: AgentCall,
): Promise<AgentAnswer> {
  const timeoutMs = Math.min(wantedMs, CALL_TIMEOUT_MS)
  try {
    const answer = await send(address, method, path, body, { signal, dispatcher, timeoutMs })
    return method === 'DELETE' ? await readDeletion(answer, address) : await read(answer, address)
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'unreachable', reason: reasonOf(error, timeoutMs), mayHaveArrived: mayHaveArrived(error) }
  }
}

async function read({ statusCode, body }: Dispatcher.ResponseData, address: AgentAddress): Promise<AgentAnswer> {
  const text = await readBounded(body)
  switch (statusCode) {
    case 201:
      return { kind: 'accepted' }
    case 200:
    case 409:
      return readJob(text)
    case 404:
      return { kind: 'unknown' }
    case 410:
      return { kind: 'gone' }
    case 429:
    case 503:
      return readRefusal(text, statusCode)
    case 400:
      return { kind: 'refused', reason: messageIn(text) ?? 'it answered 400' }
    case 403: {
      const reason = messageIn(text)
      if (reason !== undefined) return { kind: 'refused', reason }
      return { kind: 'refused', reason: correctCredentials(address) }
    }
    case 401:
      return { kind: 'refused', reason: correctCredentials(address) }
    default:
      return { kind: 'unreachable', reason: `it answered ${statusCode}`, mayHaveArrived: true }
  }
}

/** A deletion is answered without a job. A proxy whose agent is down answers 404; agents do not. */
async function readDeletion(answer: Dispatcher.ResponseData, address: AgentAddress): Promise<AgentAnswer> {
  const { statusCode } = answer
  if (statusCode !== 200 && statusCode !== 410 && statusCode !== 404) return read(answer, address)
  await readBounded(answer.body)
  if (statusCode === 404) return { kind: 'unreachable', reason: 'it answered 404', mayHaveArrived: true }
  return { kind: statusCode === 200 ? 'accepted' : 'unknown' }
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const shortener = new TextShortener()
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    shortener.write(chunk)
    if (size > MAX_ANSWER_BYTES || shortener.sizeBytes > MAX_KEPT_BYTES) {
      throw new Error(`its answer is too large (more than ${Math.floor(size / 1_000_000)} MB)`)
    }
  }
  return shortener.toString()
}

function readJob(text: string): AgentAnswer {
  const read = readAgentJob(storable(parsed(text)))
  if (read === undefined) {
    return { kind: 'unreachable', reason: 'what answers is not an agent', mayHaveArrived: true }
  }
  const { status, state } = read.job
  if (agentStatusOf(read.job) === undefined) {
    const reason = `it reports the unknown status ${JSON.stringify(status.slice(0, 60))}`
    return { kind: 'unreachable', reason, mayHaveArrived: true }
  }
  // Two requests that started it at the same time: the Go agent answers the second one with a failure, and runs the job.
  if (state === JOB_CREATION_STATE) return { kind: 'accepted' }
  return { kind: 'job', ...read }
}

function readRefusal(text: string, statusCode: number): AgentAnswer {
  const { data } = agentRefusalSchema.safeParse(storable(parsed(text)))
  const reason = data?.error_message ?? data?.message ?? `it answered ${statusCode}`
  const mayHaveArrived = statusCode !== 429 && data?.code === undefined
  return { kind: 'busy', reason, mayHaveArrived, code: data?.code, blockedBy: data?.blocking_job }
}

function messageIn(text: string): string | undefined {
  const { data } = agentRefusalSchema.safeParse(storable(parsed(text)))
  return data?.error_message ?? data?.message
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
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

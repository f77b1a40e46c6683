import {
  type AgentJob,
  type AgentRefusal,
  type AgentRefusalCode,
  agentRefusalSchema,
  agentStatusOf,
  readAgentJob,
} from '@osb-backup/protocol'
import type { Dispatcher } from 'undici'
import { TextShortener } from './bounded-json.ts'
import { storable } from './storable.ts'

/** Largest answer, and how much of it is kept once its long texts were shortened: the output of scripts may be long, the rest is not. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024
const MAX_KEPT_BYTES = 4 * 1024 * 1024
/** The Go agent's name for the failure to register a job, which it has registered already. */
const JOB_CREATION_STATE = 'Job creation'

/** Where an agent listens, and our credentials there. */
export interface AgentAddress {
  url: string
  username: string
  password: string | undefined
}

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

/** Why an agent did not answer: it does not accept our credentials. */
export const credentialsRefused = ({ username }: AgentAddress) =>
  `it does not accept the credentials of user ${JSON.stringify(username)}`

/** That and what to do about it. */
export const correctCredentials = (address: AgentAddress) =>
  `${credentialsRefused(address)}; correct username and password of the agent`

/** Reads what an agent answered to a request. */
export async function readAnswer(
  { statusCode, body }: Dispatcher.ResponseData,
  address: AgentAddress,
): Promise<AgentAnswer> {
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
export async function readDeletion(answer: Dispatcher.ResponseData, address: AgentAddress): Promise<AgentAnswer> {
  const { statusCode } = answer
  if (statusCode !== 200 && statusCode !== 410 && statusCode !== 404) return readAnswer(answer, address)
  await readBounded(answer.body)
  if (statusCode === 404) return { kind: 'unreachable', reason: 'it answered 404', mayHaveArrived: true }
  return { kind: statusCode === 200 ? 'accepted' : 'unknown' }
}

/**
 * Reads the text of an answer, its long texts shortened.
 *
 * @throws {Error} If it is too large all the same.
 */
export async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
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

/** What a refusal says; undefined: it is none of an agent. */
export function messageIn(text: string): string | undefined {
  const { data } = agentRefusalSchema.safeParse(storable(parsed(text)))
  return data?.error_message ?? data?.message
}

/** What a text is as JSON; undefined if it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

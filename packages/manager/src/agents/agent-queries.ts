import type { ElectionAnswer, RunKind } from '@osb-backup/core'
import {
  type AgentBackupRequest,
  type AgentRestoreRequest,
  agentRefusalSchema,
  DEFAULT_PRIORITY,
  electionAnswerSchema,
} from '@osb-backup/protocol'
import { z } from 'zod'
import { type AgentAddress, correctCredentials, messageIn, parsed, readBounded } from './agent-answer.ts'
import { type AgentCall, CALL_TIMEOUT_MS, reasonOf, sendToAgent } from './agent-transport.ts'
import { storable } from './storable.ts'

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
    const answer = await sendToAgent(address, 'POST', '/items', body, { signal, dispatcher, timeoutMs })
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

/** Asks an agent how well its node suits for a job. One that cannot be asked, because it is older, is as good as any. */
export async function electAtAgent(
  address: AgentAddress,
  kind: RunKind,
  body: AgentBackupRequest | AgentRestoreRequest,
  { signal, dispatcher, timeoutMs = CALL_TIMEOUT_MS }: AgentCall,
): Promise<ElectionAnswer> {
  try {
    const answer = await sendToAgent(address, 'POST', `/elect/${kind}`, body, { signal, dispatcher, timeoutMs })
    return readElection(await readBounded(answer.body), answer.statusCode, address)
  } catch (error) {
    signal.throwIfAborted()
    return { result: 'unable', reason: reasonOf(error, timeoutMs) }
  }
}

function readElection(text: string, statusCode: number, address: AgentAddress): ElectionAnswer {
  const json = storable(parsed(text))
  const reason = (messageIn(text) ?? `it answered ${statusCode}`).replace(/\.$/, '')
  switch (statusCode) {
    case 200: {
      const read = electionAnswerSchema.safeParse(json)
      return read.success
        ? { result: 'priority', priority: read.data.priority, reason: read.data.reason }
        : { result: 'unable', reason: 'what it answered is no priority' }
    }
    case 401:
      return { result: 'unable', reason: correctCredentials(address) }
    case 404:
    case 405:
      return { result: 'priority', priority: DEFAULT_PRIORITY }
    case 429:
      return agentRefusalSchema.safeParse(json).data?.code === 'database_busy'
        ? { result: 'database-busy', reason }
        : { result: 'unable', reason }
    default:
      return { result: 'unable', reason }
  }
}

import type { RunKind } from '@osb-backup/core'
import { withSpan } from '@osb-backup/node/tracing'
import type { AgentBackupRequest, AgentRestoreRequest } from '@osb-backup/protocol'
import type { Dispatcher } from 'undici'
import { type AgentAddress, type AgentAnswer, readAnswer, readDeletion } from './agent-answer.ts'
import { type AgentCall, CALL_TIMEOUT_MS, mayHaveArrived, reasonOf, sendToAgent } from './agent-transport.ts'

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
    const answer = await sendToAgent(address, method, path, body, { signal, dispatcher, timeoutMs })
    return method === 'DELETE' ? await readDeletion(answer, address) : await readAnswer(answer, address)
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'unreachable', reason: reasonOf(error, timeoutMs), mayHaveArrived: mayHaveArrived(error) }
  }
}

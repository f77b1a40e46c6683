import type { LockedDatabase as ReportedDatabase } from '@osb-backup/protocol'
import type { Call } from '../access/call.ts'
import { type Agent, normalizeAgentUrl } from '../agents/agent.ts'
import type { AgentAnswer } from '../agents/agent-answer.ts'
import { markUnlockedAtAgent, retryUnlockAtAgent } from '../agents/agent-client.ts'
import { statusOfAgent } from '../agents/agent-health.ts'
import type { AgentCall } from '../agents/agent-transport.ts'
import { findAgent } from '../agents/repository.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { agentJobId, type DatabaseLock, type Job, lockOfAgentJob } from './job.ts'
import * as repository from './locks-repository.ts'
import { getJob, getJobWithoutLogs } from './service.ts'

const CALL_TIMEOUT_MS = 30_000

/**
 * Records which databases an agent reports as locked.
 *
 * @param reported - What its status says.
 */
export async function recordReportedLocks(
  context: Pick<Context, 'database'>,
  agent: Agent,
  reported: readonly ReportedDatabase[],
): Promise<void> {
  const locks = reported.flatMap(({ kind, id, ...lock }) => {
    const read = lockOfAgentJob(lock)
    return read === undefined ? [] : [{ kind, id, ...read }]
  })
  await repository.recordLocks(context, { id: agent.id, url: normalizeAgentUrl(agent.url) }, locks)
}

/**
 * Has the agent of a job retry at once the unlocks that failed.
 *
 * @throws {RequestError} If none of its databases is locked, or the agent cannot be reached.
 */
export function retryUnlock(context: Context, call: Call, id: string): Promise<Job> {
  return askAgents(context, call, id, retryUnlockAtAgent)
}

/**
 * Records that an operator has unlocked the databases of a job, whose unlock script fails.
 *
 * @throws {RequestError} If none of its databases is locked, the job has not tried to unlock them yet, or the agent cannot be
 *   reached.
 */
export function markUnlocked(context: Context, call: Call, id: string): Promise<Job> {
  return askAgents(context, call, id, markUnlockedAtAgent)
}

async function askAgents(context: Context, call: Call, id: string, ask: typeof retryUnlockAtAgent): Promise<Job> {
  await getJob(context, call, id)
  const parts = await repository.lockedParts(context, id)
  if (parts.length === 0) throw new RequestError('conflict', `The job ${id} has no database locked.`)
  const locks = new Map<number, DatabaseLock | undefined>()
  for (const part of parts) {
    const agent = await findAgent(context, part.agentId)
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS)
    // A deleted agent cannot be asked any more.
    const answer: AgentAnswer =
      agent === undefined
        ? { kind: 'unknown' }
        : await ask(agent, part.kind, agentJobId({ id }, part), {
            signal,
            dispatcher: context.agentConnections.dispatcherFor(agent.id),
            timeoutMs: CALL_TIMEOUT_MS,
          })
    const isMarked = ask === markUnlockedAtAgent
    if (answer.kind === 'unknown' && agent !== undefined && !isMarked) {
      await requireOwnAgent(agent, part, { signal, dispatcher: context.agentConnections.dispatcherFor(agent.id) })
    }
    locks.set(part.position, lockAfter(answer, isMarked))
  }
  await inAuditedTransaction(context, call, async (tx) => {
    for (const [position, lock] of locks) await repository.setLock(tx, id, position, lock)
  })
  return getJobWithoutLogs(context, call, id)
}

/** That another agent, or a proxy, does not know a job says nothing about its lock. */
async function requireOwnAgent(agent: Agent, part: repository.LockedPart, options: AgentCall): Promise<void> {
  if (normalizeAgentUrl(agent.url) !== part.agentUrl) {
    throw new RequestError(
      'conflict',
      'The job ran at another URL of the agent: call mark-unlocked once it is unlocked.',
    )
  }
  const status = await statusOfAgent(agent, options)
  if (status.kind !== 'status') throw new RequestError('conflict', `The agent could not be asked: ${status.reason}.`)
}

/** The lock that an agent answers with; none at an agent that no longer knows the job. */
function lockAfter(answer: AgentAnswer, isMarked: boolean): DatabaseLock | undefined {
  if (answer.kind === 'unknown') return undefined
  if (answer.kind !== 'job') {
    const reason = 'reason' in answer ? answer.reason : 'it gave no answer about the job'
    throw new RequestError('conflict', `The agent could not be asked: ${reason}.`)
  }
  const lock = lockOfAgentJob(answer.job)
  if (isMarked && lock !== undefined) {
    throw new RequestError('conflict', 'The job has not tried to unlock the database yet: cancel it first.')
  }
  return lock
}

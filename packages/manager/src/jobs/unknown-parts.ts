import type { Call } from '../access/call.ts'
import { normalizeAgentUrl } from '../agents/agent.ts'
import { readAtAgent } from '../agents/agent-client.ts'
import { findAgent } from '../agents/repository.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import { RequestError } from '../shared/request-error.ts'
import { agentJobId, type Job } from './job.ts'
import { updateJob } from './part-results.ts'
import { getJob } from './service.ts'
import { lockJobToEnd } from './state-repository.ts'
import * as repository from './unknown-parts-repository.ts'

/** How often an agent with parts of unknown outcome is asked: one call, however many there are. */
const INTERVAL_SECONDS = 5
const CALL_TIMEOUT_MS = 10_000

/**
 * Asks the agents that have parts of unknown outcome. Once an agent answers, its parts are running again, and a worker finds out
 * what became of each: it follows those that still run, cancels those that were cancelled meanwhile, and records the end of the
 * others.
 */
export async function checkUnknownParts(context: Context, signal: AbortSignal): Promise<void> {
  const parts = await repository.claimUnknownParts(context, INTERVAL_SECONDS)
  const byAgent = Map.groupBy(parts, (part) => part.agentId)
  await Promise.all(
    [...byAgent].map(async ([agentId, [part]]) => {
      if (part !== undefined && (await isAnswering(context, part, signal))) await resumeParts(context, agentId)
    }),
  )
}

async function isAnswering(context: Context, part: repository.UnknownPart, signal: AbortSignal): Promise<boolean> {
  const agent = await findAgent(context, part.agentId)
  if (agent === undefined) return false
  const id = agentJobId({ id: part.jobId }, part)
  const answer = await readAtAgent(agent, part.kind, id, {
    signal,
    dispatcher: context.agentConnections.dispatcherFor(agent.id),
    timeoutMs: CALL_TIMEOUT_MS,
  })
  // Another agent that does not know the part says nothing about it.
  return answer.kind === 'job' || (answer.kind === 'unknown' && normalizeAgentUrl(agent.url) === part.agentUrl)
}

async function resumeParts(context: Context, agentId: string): Promise<void> {
  for (const jobId of await repository.jobsUnknownAt(context, agentId)) {
    await inTransaction(context, async (tx) => {
      await lockJobToEnd(tx, jobId)
      await repository.resumeParts(tx, jobId, agentId)
      await updateJob(tx, jobId, await readClock(tx))
    })
    context.log.info({ jobId, agentId }, 'the agent of a part of unknown outcome answers again')
  }
  context.wakeWorkers()
}

/**
 * Abandons the parts of a job whose outcome is unknown: they fail, and their databases and restore points are free for other jobs.
 * Nothing is stopped by that: the agent may still be working on them.
 *
 * @throws {RequestError} If the outcome of no part is unknown.
 */
export async function giveUpJob(context: Context, call: Call, id: string): Promise<Job> {
  await getJob(context, call, id)
  const error =
    `Given up by ${call.caller.name} while the agent did not answer, so how it ended is not known. If the agent still runs it, ` +
    'it continues to work on the database, may lock or unlock it, and what it stores is left without a restore point.'
  await inAuditedTransaction(context, call, async (tx) => {
    await lockJobToEnd(tx, id)
    const now = await readClock(tx)
    if ((await repository.abandonParts(tx, id, error, now)) === 0) {
      throw new RequestError(
        'conflict',
        `No part of the job ${id} is of unknown outcome: it can be cancelled, if it has not ended.`,
      )
    }
    await updateJob(tx, id, now)
  })
  context.wakeWorkers()
  return getJob(context, call, id)
}

import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import type { Deregistration } from '../deregistrations/deregistration.ts'
import { findDeregistration, runningDeregistrations, updateDeregistration } from '../deregistrations/repository.ts'
import { plansOfInstance } from '../plans/repository.ts'
import { RequestError } from '../shared/request-error.ts'
import { completeDeregistration, lockForDeletion } from './deregister.ts'
import { followLastBackup } from './last-backup.ts'

const BATCH_SIZE = 50
/** After it a deregistration fails, and the instance stays. */
const TIME_LIMIT_MS = 6 * 3_600_000

/** Takes the next step of every deregistration. Each can be repeated, by any manager. */
export async function continueDeregistrations(context: Context, signal: AbortSignal): Promise<void> {
  for (let after = ''; ; ) {
    const running = await runningDeregistrations(context, after, BATCH_SIZE)
    for (const each of running) {
      signal.throwIfAborted()
      await continueOne(context, each).catch((error: unknown) =>
        context.log.error({ err: error, instanceId: each.instanceId }, 'deregistering does not continue; retrying'),
      )
    }
    const last = running.at(-1)
    if (last === undefined || running.length < BATCH_SIZE) return
    after = last.instanceId
  }
}

async function continueOne(context: Context, deregistration: Deregistration): Promise<void> {
  const reason = deregistration.lastBackup ? await followLastBackups(context, deregistration) : undefined
  if (reason !== undefined && reason !== 'waiting') return fail(context, deregistration, reason)
  if (reason === undefined && (await tryToComplete(context, deregistration))) {
    context.log.info({ instanceId: deregistration.instanceId }, 'service instance deregistered')
    return
  }
  const isLate = (await readClock(context)).getTime() - deregistration.requestedAt.getTime() > TIME_LIMIT_MS
  if (isLate) await fail(context, deregistration, 'its jobs did not end in time')
}

/** Returns undefined when all have succeeded, `waiting`, or why one failed. */
async function followLastBackups(context: Context, deregistration: Deregistration): Promise<string | undefined> {
  const { id, instanceId, jobIds } = deregistration
  let isWaiting = false
  for (const plan of await plansOfInstance(context, instanceId)) {
    if (plan.paused && jobIds[plan.id] === undefined) continue
    const operationId = `${id} ${plan.id}`
    const backup = await followLastBackup(context, { operationId, planId: plan.id, jobId: jobIds[plan.id] })
    if (backup.state === 'failed') return backup.reason
    if (backup.state === 'done') continue
    isWaiting = true
    if (backup.jobId === undefined || backup.jobId === jobIds[plan.id]) continue
    jobIds[plan.id] = backup.jobId
    await updateDeregistration(context, { ...deregistration, jobIds })
  }
  return isWaiting ? 'waiting' : undefined
}

/** Returns false if a job has to end first. */
async function tryToComplete(context: Context, { id, instanceId }: Deregistration): Promise<boolean> {
  try {
    await inTransaction(context, async (tx) => {
      await lockForDeletion(tx, instanceId)
      const current = await findDeregistration(tx, instanceId)
      // Another manager may have been faster.
      if (current?.id === id && current.state === 'running') await completeDeregistration(tx, current)
    })
    return true
  } catch (error) {
    if (error instanceof RequestError && error.code === 'conflict') return false
    throw error
  }
}

async function fail(context: Context, deregistration: Deregistration, reason: string): Promise<void> {
  const sentence = `Nothing was deleted, since ${reason}.`
  await updateDeregistration(context, { ...deregistration, state: 'failed', reason: sentence })
  context.log.warn({ instanceId: deregistration.instanceId, reason }, 'deregistering failed')
}

import { coversItem, type FailedAttempt, nextAttemptAt } from '@osb-backup/core'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { type InTransaction, inTransaction } from '../database/transaction.ts'
import { plansById } from '../plans/repository.ts'
import {
  dropRetries,
  isAnyRetryDue,
  lockDueRetries,
  lockRetryRules,
  type PlanRetry,
  scheduleRetry,
} from '../plans/retries-repository.ts'
import { findAttempt } from './attempts-repository.ts'
import type { BackupJob } from './job.ts'
import { openJobsOfPlans } from './open-jobs-repository.ts'
import { findJob, insertJobs } from './repository.ts'
import { newBackupJob } from './start-backup.ts'

/**
 * Schedules another attempt of a scheduled run whose job has failed just now, if it failed for a transient reason. It is stored
 * with the plan, in the transaction that ends the job, so that any manager starts it, once.
 */
export async function retryLater(
  tx: InTransaction<Pick<Context, 'database' | 'settings'>>,
  jobId: string,
  ended: Omit<FailedAttempt, 'number'>,
): Promise<void> {
  const attempt = await findAttempt(tx, jobId)
  if (attempt === undefined) return
  const { planId, number } = attempt
  const rules = await lockRetryRules(tx, planId)
  if (rules === undefined) return
  const firstWaitMs = tx.settings.retryBackoffSeconds * 1000
  const at = nextAttemptAt({ ...ended, number }, { ...rules, firstWaitMs })
  if (at !== undefined) await scheduleRetry(tx, { planId, jobId, number: number + 1, at })
}

/**
 * Starts the attempts that are due, each with the items that failed, in the transaction that removes it from its plan.
 *
 * @param limit - How many at most; the longest due come first.
 * @returns How many were due.
 */
export async function dispatchDueRetries(context: Context, limit: number): Promise<number> {
  if (!(await isAnyRetryDue(context))) return 0
  const { due, jobs: created } = await inTransaction(context, async (tx) => {
    const retries = await lockDueRetries(tx, await readClock(tx), limit)
    if (retries.length === 0) return { due: 0, jobs: [] }
    const planIds = retries.map(({ planId }) => planId)
    await dropRetries(tx, planIds)
    const open = await openJobsOfPlans(tx, planIds)
    const jobs: BackupJob[] = []
    for (const retry of retries) {
      const job = open.has(retry.planId) ? undefined : await nextAttempt(tx, retry)
      if (job !== undefined) jobs.push(job)
    }
    await insertJobs(tx, jobs)
    return { due: retries.length, jobs }
  })
  for (const { id: jobId, kind, instanceId, planId, attempt } of created) {
    context.log.info({ jobId, kind, instanceId, planId, attempt: attempt.number }, 'job created as another attempt')
  }
  return due
}

/** The next attempt; undefined: nothing is left to try, or the next run is due already and takes its place. */
async function nextAttempt(
  tx: TransactionContext,
  { planId, jobId, number }: PlanRetry,
): Promise<BackupJob | undefined> {
  const plan = (await plansById(tx, [planId])).get(planId)
  const failed = await findJob(tx, jobId, { logs: false })
  const now = await readClock(tx)
  if (plan === undefined || failed?.kind !== 'backup' || failed.dueAt === undefined) return undefined
  if (plan.nextRunAt !== undefined && plan.nextRunAt <= now) return undefined
  const unfinished = failed.parts.filter(({ status }) => status !== 'SUCCEEDED').map(({ item }) => item)
  // A part of a pattern is one whose list of items failed.
  const items = unfinished.filter((item) => plan.items.includes(item) || coversItem(plan, item))
  if (items.length === 0) return undefined
  const { dueAt, late } = failed
  const attempt = { number, firstId: failed.attempt.firstId ?? failed.id, previousId: failed.id }
  return newBackupJob({ ...plan, items }, now, { dueAt, late, attempt })
}

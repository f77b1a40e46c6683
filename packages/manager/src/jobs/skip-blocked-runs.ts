import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import { setRunSkipped } from '../plans/plan-runs-repository.ts'
import { updateJob } from './part-results.ts'
import { failWaitingParts } from './parts-repository.ts'
import { describeBlocker } from './reservations.ts'
import { blockersOfJobs, listOverdueRuns } from './reservations-repository.ts'
import { lockJobToEnd, setCancelled } from './state-repository.ts'

const BATCH_SIZE = 50
/** Who cancels a run that is skipped. */
const SCHEDULE = 'the schedule'

/**
 * Skips scheduled runs whose databases were busy until the grace period of the schedule ended. Parts that wait for another job
 * fail; if none of the job has begun, the whole run is skipped.
 */
export async function skipBlockedRuns(context: Context): Promise<void> {
  const jobIds = await listOverdueRuns(context, context.settings.scheduleGraceSeconds, BATCH_SIZE)
  for (const jobId of jobIds) await inTransaction(context, (tx) => skipBlockedParts(tx, jobId))
}

async function skipBlockedParts(tx: TransactionContext, jobId: string): Promise<void> {
  const job = await lockJobToEnd(tx, jobId)
  const blocked = (await blockersOfJobs(tx, [jobId])).get(jobId)
  const [blocker] = blocked?.values() ?? []
  if (job === undefined || blocked === undefined || blocker === undefined) return
  const now = await readClock(tx)
  const grace = tx.settings.scheduleGraceSeconds
  const error = `Skipped, since it could not begin within the grace period of ${grace} seconds. ${describeBlocker(blocker)}`
  // No part has begun or ended as long as the job is queued and all of its parts wait.
  const isWhole = job.status === 'STARTED' && job.partCount === blocked.size
  if (isWhole) {
    await setCancelled(tx, jobId, SCHEDULE, now)
    await setRunSkipped(tx, jobId, { reason: error, blockingJobId: blocker.jobId })
  }
  await failWaitingParts(tx, jobId, { error, failureCode: 'database-busy', now, positions: [...blocked.keys()] })
  await updateJob(tx, jobId, now)
}

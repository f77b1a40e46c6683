import { drilledItems } from '@osb-backup/core'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import type { DrillJob } from '../jobs/job.ts'
import { insertJobs } from '../jobs/repository.ts'
import { nextDrillOf } from '../plans/next-drill.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { lockPlan } from '../plans/repository.ts'
import { findOpenDrill, isAnyDrillDue, lockPlansToDrill, restorableItemsOf, setNextDrill } from './repository.ts'
import { NOTHING_TO_RESTORE, newDrillJob } from './start-drill.ts'

/**
 * Starts the drills that are due: their jobs and the next drills of their plans are stored in one transaction. A drill that was missed is
 * caught up once, however many there were: it proves the same.
 *
 * @param limit - How many plans at most; the longest due come first.
 * @returns How many were due.
 */
export async function dispatchDueDrills(context: Context, limit: number): Promise<number> {
  if (!(await isAnyDrillDue(context))) return 0
  const { due, jobs } = await inTransaction(context, async (tx) => {
    const planIds = await lockPlansToDrill(tx, limit)
    const started: DrillJob[] = []
    for (const planId of planIds) {
      const plan = (await lockPlan(tx, planId))?.plan
      if (plan === undefined) continue
      const now = await readClock(tx)
      const job = await newDueDrill(tx, plan, now)
      if (job !== undefined) started.push(job)
      await setNextDrill(tx, planId, nextDrillOf(plan, now))
    }
    await insertJobs(tx, started)
    return { due: planIds.length, jobs: started }
  })
  for (const { id: jobId, kind, instanceId, planId } of jobs) {
    context.log.info({ jobId, kind, instanceId, planId }, 'job created by its schedule')
  }
  return due
}

/** Undefined: it is skipped. That items stay unproven for long raises an alarm. */
async function newDueDrill(tx: TransactionContext, plan: BackupPlan, now: Date): Promise<DrillJob | undefined> {
  const { id: planId, drill, instanceId } = plan
  if (drill === undefined || plan.paused) return undefined
  const open = await findOpenDrill(tx, planId)
  const items = drilledItems(plan, drill.items, await restorableItemsOf(tx, planId))
  if (open === undefined && items.length > 0) return newDrillJob(plan, drill, items, now)
  const reason = open === undefined ? NOTHING_TO_RESTORE : `The drill ${open} of the plan has not ended.`
  tx.log.warn({ planId, instanceId, reason }, 'a drill is skipped')
  return undefined
}

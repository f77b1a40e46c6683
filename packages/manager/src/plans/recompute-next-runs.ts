import { nextRunAfter } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import { nextRunOf, undecidedFrom } from './next-run.ts'
import type { PlanSchedule } from './plan.ts'
import { lockPlan } from './repository.ts'
import { listSchedules, setNextRuns } from './schedule-repository.ts'

const BATCH_SIZE = 500

/**
 * Recomputes the next run of each plan that is not due, and corrects those that differ: a clock that ran ahead for a while
 * left runs that are too far away, and the rules of a time zone change with a new release.
 *
 * @returns How many plans were corrected.
 */
export async function recomputeNextRuns(context: Context, signal: AbortSignal): Promise<number> {
  let corrected = 0
  for (let after: string | undefined = ''; after !== undefined; ) {
    signal.throwIfAborted()
    const plans: PlanSchedule[] = await listSchedules(context, after, BATCH_SIZE)
    const now = await readClock(context)
    for (const plan of plans) if (isWrong(plan, context, now) && (await correct(context, plan.id))) corrected++
    after = plans.length < BATCH_SIZE ? undefined : plans.at(-1)?.id
  }
  if (corrected > 0) context.log.warn({ plans: corrected }, 'the next runs of plans were corrected')
  return corrected
}

/** A plan that is due is right: its run is about to be started, or waits for its delay. */
function isWrong(plan: PlanSchedule, { log }: Context, now: Date): boolean {
  if (plan.nextDueAt !== undefined && plan.nextDueAt <= now) return false
  try {
    return nextRunAfter(plan, undecidedFrom(plan.lastDueAt, now))?.getTime() !== plan.nextDueAt?.getTime()
  } catch (error) {
    log.debug({ err: error, planId: plan.id }, 'a plan cannot be scheduled')
    return false
  }
}

async function correct(context: Context, id: string): Promise<boolean> {
  return inTransaction(context, async (tx) => {
    const schedule = (await lockPlan(tx, id))?.schedule
    const now = await readClock(tx)
    if (schedule === undefined || schedule.paused || !isWrong(schedule, context, now)) return false
    await setNextRuns(tx, [{ planId: id, next: nextRunOf(schedule, context.settings, now) }])
    return true
  })
}

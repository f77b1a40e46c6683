import { nextRunAfter } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { nextRunOf, undecidedFrom } from './next-run.ts'

const BATCH = 500

/**
 * Computes anew when each plan that is not due is due next, and mends what differs: a clock that ran ahead for a while left
 * runs that lie too far away, and the rules of a zone change with a new release.
 *
 * @returns How many plans were mended.
 */
export async function mendNextRuns(context: Context, signal: AbortSignal): Promise<number> {
  let mended = 0
  for (let after: string | undefined = ''; after !== undefined; ) {
    signal.throwIfAborted()
    const wrong: string[] = []
    const plans = await context.database
      .selectFrom('backup_plans')
      .select(['id', 'frequency', 'timezone', 'next_due_at', 'last_due_at'])
      .where('paused', '=', false)
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    for (const plan of plans) if (isWrong(plan, context)) wrong.push(plan.id)
    for (const id of wrong) if (await mend(context, id)) mended++
    after = plans.length < BATCH ? undefined : plans.at(-1)?.id
  }
  if (mended > 0) context.log.warn({ plans: mended }, 'the next runs of plans were mended')
  return mended
}

interface ScheduledPlan {
  id: string
  frequency: string
  timezone: string
  next_due_at: Date | null
  last_due_at: Date | null
}

/** A plan that is due is right: its run is about to be started, or waits for its delay. */
function isWrong(plan: ScheduledPlan, { now, log }: Context): boolean {
  const at = now()
  if (plan.next_due_at !== null && plan.next_due_at <= at) return false
  try {
    return nextRunAfter(plan, undecidedFrom(plan.last_due_at, at))?.getTime() !== plan.next_due_at?.getTime()
  } catch (error) {
    log.debug({ err: error, planId: plan.id }, 'a plan cannot be scheduled')
    return false
  }
}

async function mend(context: Context, id: string): Promise<boolean> {
  return context.database.transaction().execute(async (transaction) => {
    const plan = await transaction
      .selectFrom('backup_plans')
      .select(['id', 'paused', 'frequency', 'timezone', 'next_due_at', 'last_due_at'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (plan === undefined || plan.paused || !isWrong(plan, context)) return false
    await transaction
      .updateTable('backup_plans')
      .set(nextRunOf(plan, plan.last_due_at, context))
      .where('id', '=', id)
      .execute()
    return true
  })
}

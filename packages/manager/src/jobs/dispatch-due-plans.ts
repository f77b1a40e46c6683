import { type DueRuns, decideDueRuns, delayOf } from '@osb-backup/core'
import { sql, type Transaction } from 'kysely'
import type { Context } from '../context/context.ts'
import type { Tables } from '../database/schema.ts'
import { type NextRun, startOf } from '../plans/next-run.ts'
import { insertPlanRuns, type PlanRun } from '../plans/plan-runs-repository.ts'
import { invariant } from '../shared/invariant.ts'
import type { Job } from './job.ts'
import { insertJobs, openJobsOfPlans } from './repository.ts'
import { backupJobOf } from './service.ts'

/** What is decided of one plan that is due. */
interface Decision {
  planId: string
  next: NextRun
  runs: PlanRun[]
  job: Job | undefined
}

/**
 * Starts what is due: takes due plans that no other manager has in hand, and writes their jobs, what became of every run,
 * and their next runs in one transaction.
 *
 * @param most - How many plans to take; those that are due longest come first.
 * @returns How many were taken.
 */
export async function dispatchDuePlans(context: Context, most: number): Promise<number> {
  if (!(await isAnyDue(context))) return 0
  return context.database.transaction().execute(async (transaction) => {
    const plans = await lockDuePlans(transaction, context.now(), most)
    if (plans.length === 0) return 0
    const open = await openJobsOfPlans(
      transaction,
      plans.map((plan) => plan.id),
    )
    // Not before the open jobs are known: a job begins after the one before it ended.
    const now = context.now()
    const decisions = plans.map((plan) => decide(context, plan, now, open.get(plan.id)))
    await insertJobs(
      context,
      transaction,
      decisions.flatMap(({ job }) => job ?? []),
    )
    await insertPlanRuns(
      transaction,
      decisions.flatMap(({ runs }) => runs),
    )
    await setNextRuns(transaction, decisions)
    return plans.length
  })
}

/** Asked all the time, so it is one look at an index. */
async function isAnyDue({ database, now }: Context): Promise<boolean> {
  const due = await database
    .selectFrom('backup_plans')
    .select('id')
    .where('next_run_at', '<=', now())
    .limit(1)
    .execute()
  return due.length > 0
}

type DuePlan = Awaited<ReturnType<typeof lockDuePlans>>[number]

function lockDuePlans(transaction: Transaction<Tables>, now: Date, most: number) {
  return transaction
    .selectFrom('backup_plans')
    .select(['id', 'instance_id', 'destination_id', 'compression', 'public_key', 'items', 'frequency', 'timezone'])
    .select(['next_due_at', 'compression_algorithm', 'compression_level'])
    .where('next_run_at', '<=', now)
    .orderBy('next_run_at')
    .limit(most)
    .forUpdate()
    .skipLocked()
    .execute()
}

function decide(context: Context, plan: DuePlan, now: Date, openJobId: string | undefined): Decision {
  const { settings, log } = context
  invariant(plan.next_due_at, `plan ${plan.id} is due`)
  const common = { planId: plan.id, decidedAt: now, jobId: undefined, reason: undefined, late: false, runs: 1 }
  const runAt = (dueAt: Date) => ({ ...common, dueAt, lastDueAt: dueAt })
  let due: DueRuns
  try {
    due = decideDueRuns({
      schedule: plan,
      dueAt: plan.next_due_at,
      now,
      delayMs: delayOf(plan.id, settings.scheduleJitterSeconds),
      graceMs: settings.scheduleGraceSeconds * 1000,
    })
  } catch (error) {
    // A zone that a new release does not know any more, say. It must not keep other plans from running.
    log.error({ err: error, planId: plan.id }, 'a plan cannot be scheduled: correct its frequency and timezone')
    const reason = 'The frequency or timezone cannot be read any more: the plan does not run until it is corrected.'
    const skipped = { ...runAt(plan.next_due_at), outcome: 'SKIPPED', reason } as const
    return { planId: plan.id, next: { next_due_at: null, next_run_at: null }, runs: [skipped], job: undefined }
  }
  const runs: PlanRun[] = []
  if (due.missed !== undefined) {
    const { firstDueAt, lastDueAt, runs: count } = due.missed
    const reason = 'No manager was there to start it in time.'
    runs.push({ ...common, outcome: 'MISSED', dueAt: firstDueAt, lastDueAt, runs: count, reason })
  }
  const next = startOf(plan.id, due.nextDueAt, settings)
  if (due.run === undefined) return { planId: plan.id, next, runs, job: undefined }
  if (openJobId !== undefined) {
    const reason = `The job ${openJobId} of this plan was not over yet.`
    runs.push({ ...runAt(due.run.dueAt), outcome: 'SKIPPED', late: due.run.late, jobId: openJobId, reason })
    return { planId: plan.id, next, runs, job: undefined }
  }
  const job = backupJobOf(toRun(plan), now, due.run)
  runs.push({ ...runAt(due.run.dueAt), outcome: 'STARTED', late: due.run.late, jobId: job.id })
  return { planId: plan.id, next, runs, job }
}

const toRun = (plan: DuePlan) => ({
  id: plan.id,
  instanceId: plan.instance_id,
  destinationId: plan.destination_id,
  compression: plan.compression,
  compressor: { algorithm: plan.compression_algorithm, level: plan.compression_level ?? undefined },
  publicKey: plan.public_key ?? undefined,
  items: plan.items,
})

async function setNextRuns(transaction: Transaction<Tables>, decisions: readonly Decision[]): Promise<void> {
  const ids = decisions.map(({ planId }) => planId)
  const dues = decisions.map(({ next }) => next.next_due_at)
  const starts = decisions.map(({ next }) => next.next_run_at)
  const lasts = decisions.map(({ runs }) => runs.at(-1)?.lastDueAt ?? null)
  await sql`
    update backup_plans
    set next_due_at = next.due_at, next_run_at = next.run_at, last_due_at = coalesce(next.last_due_at, backup_plans.last_due_at)
    from unnest(${ids}::text[], ${dues}::timestamptz[], ${starts}::timestamptz[], ${lasts}::timestamptz[])
      as next (id, due_at, run_at, last_due_at)
    where backup_plans.id = next.id`.execute(transaction)
}

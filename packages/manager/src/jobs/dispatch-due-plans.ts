import { type DueRuns, decideDueRuns, delayOf } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import { type NextRun, startOf } from '../plans/next-run.ts'
import type { PlanRun } from '../plans/plan-run.ts'
import { insertPlanRuns } from '../plans/plan-runs-repository.ts'
import { type DuePlan, isAnyPlanDue, lockDuePlans, setNextRuns } from '../plans/schedule-repository.ts'
import { invariant } from '../shared/invariant.ts'
import type { BackupJob } from './job.ts'
import { openJobsOfPlans } from './open-jobs-repository.ts'
import { insertJobs } from './repository.ts'
import { newBackupJob } from './start-backup.ts'

/** What is decided on one plan that is due. */
interface Decision {
  planId: string
  next: NextRun
  runs: PlanRun[]
  job: BackupJob | undefined
}

/**
 * Starts what is due: locks due plans that no other manager has locked, and stores their jobs, what became of every run, and
 * their next runs in one transaction.
 *
 * @param limit - How many plans at most; the longest due come first.
 * @returns How many plans were due.
 */
export async function dispatchDuePlans(context: Context, limit: number): Promise<number> {
  if (!(await isAnyPlanDue(context))) return 0
  const { due, jobs: created } = await inTransaction(context, async (tx) => {
    const plans = await lockDuePlans(tx, await readClock(tx), limit)
    if (plans.length === 0) return { due: 0, jobs: [] }
    const planIds = plans.map((plan) => plan.id)
    const open = await openJobsOfPlans(tx, planIds)
    // The clock is read after the open jobs are known, so that a job starts after the one before it has ended.
    const now = await readClock(tx)
    const decisions = plans.map((plan) => decide(context, plan, now, open.get(plan.id)))
    const jobs = decisions.flatMap(({ job }) => job ?? [])
    const runs = decisions.flatMap((decision) => decision.runs)
    await insertJobs(tx, jobs)
    await insertPlanRuns(tx, runs)
    const nextRuns = decisions.map((each) => ({ ...each, lastDueAt: each.runs.at(-1)?.lastDueAt }))
    await setNextRuns(tx, nextRuns)
    return { due: plans.length, jobs }
  })
  for (const { id: jobId, kind, instanceId, planId } of created) {
    context.log.info({ jobId, kind, instanceId, planId }, 'job created by its schedule')
  }
  return due
}

function decide(context: Context, plan: DuePlan, now: Date, openJobId: string | undefined): Decision {
  const { settings, log } = context
  invariant(plan.nextDueAt, `plan ${plan.id} is due`)
  const common = { planId: plan.id, decidedAt: now, jobId: undefined, reason: undefined, late: false, runs: 1 }
  const runAt = (dueAt: Date) => ({ ...common, dueAt, lastDueAt: dueAt })
  let due: DueRuns
  try {
    due = decideDueRuns({
      schedule: plan,
      dueAt: plan.nextDueAt,
      now,
      delayMs: delayOf(plan.id, settings.scheduleJitterSeconds),
      graceMs: settings.scheduleGraceSeconds * 1000,
    })
  } catch (error) {
    // For example a time zone that a new release does not know. It must not keep other plans from running.
    log.error({ err: error, planId: plan.id }, 'a plan cannot be scheduled: correct its frequency and timezone')
    const reason = 'The frequency or timezone is no longer valid: the plan does not run until it is corrected.'
    const skipped = { ...runAt(plan.nextDueAt), outcome: 'SKIPPED', reason } as const
    return { planId: plan.id, next: startOf(plan.id, undefined, settings), runs: [skipped], job: undefined }
  }
  const runs: PlanRun[] = []
  if (due.missed !== undefined) {
    const { firstDueAt, lastDueAt, runs: count } = due.missed
    const reason = 'No manager was running to start it in time.'
    runs.push({ ...common, outcome: 'MISSED', dueAt: firstDueAt, lastDueAt, runs: count, reason })
  }
  const next = startOf(plan.id, due.nextDueAt, settings)
  if (due.run === undefined) return { planId: plan.id, next, runs, job: undefined }
  if (openJobId !== undefined) {
    const reason = `The job ${openJobId} of this plan had not ended yet.`
    runs.push({ ...runAt(due.run.dueAt), outcome: 'SKIPPED', late: due.run.late, jobId: openJobId, reason })
    return { planId: plan.id, next, runs, job: undefined }
  }
  const job = newBackupJob(plan, now, due.run)
  runs.push({ ...runAt(due.run.dueAt), outcome: 'STARTED', late: due.run.late, jobId: job.id })
  return { planId: plan.id, next, runs, job }
}

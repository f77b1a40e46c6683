import type { PlanRunOutcome } from '@osb-backup/protocol'
import type { Insertable, Selectable, Transaction } from 'kysely'
import type { Context } from '../context/context.ts'
import { readPage } from '../database/read-page.ts'
import type { PlanRunTable, Tables } from '../database/schema.ts'
import type { PageRequest } from '../http/legacy/paging.ts'

/** A scheduled run of a plan, or several in a row that were missed. */
export interface PlanRun {
  planId: string
  outcome: PlanRunOutcome
  dueAt: Date
  lastDueAt: Date
  runs: number
  late: boolean
  /** Started: the job. Skipped: the job that was in the way. */
  jobId: string | undefined
  /** Why no job was started. */
  reason: string | undefined
  decidedAt: Date
}

function fromRow(row: Selectable<PlanRunTable>): PlanRun {
  return {
    planId: row.plan_id,
    outcome: row.outcome,
    dueAt: row.due_at,
    lastDueAt: row.last_due_at,
    runs: row.runs,
    late: row.late,
    jobId: row.job_id ?? undefined,
    reason: row.reason ?? undefined,
    decidedAt: row.decided_at,
  }
}

const toRow = (run: PlanRun): Insertable<PlanRunTable> => ({
  plan_id: run.planId,
  outcome: run.outcome,
  due_at: run.dueAt,
  last_due_at: run.lastDueAt,
  runs: run.runs,
  late: run.late,
  job_id: run.jobId ?? null,
  reason: run.reason ?? null,
  decided_at: run.decidedAt,
})

/** Writes down what became of runs, in the transaction that decides it. */
export async function insertPlanRuns(transaction: Transaction<Tables>, runs: readonly PlanRun[]): Promise<void> {
  if (runs.length > 0) await transaction.insertInto('plan_runs').values(runs.map(toRow)).execute()
}

/** One page of what became of a plan's runs, newest first unless told otherwise. */
export async function listPlanRuns(
  { database }: Pick<Context, 'database'>,
  which: { planId: string; outcome?: PlanRunOutcome | undefined },
  page: PageRequest,
): Promise<{ entries: PlanRun[]; total: number }> {
  const direction = page.sort === undefined || page.sort.descending ? 'desc' : 'asc'
  let query = database
    .selectFrom('plan_runs')
    .selectAll()
    .where('plan_id', '=', which.planId)
    .orderBy('due_at', direction)
    .orderBy('id', direction)
  if (which.outcome !== undefined) query = query.where('outcome', '=', which.outcome)
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map(fromRow), total }
}

/** Forgets what became of runs so long ago that nobody asks any more; the jobs stay. */
export async function forgetOldRuns({ database, settings, now }: Context): Promise<void> {
  const oldest = new Date(now().getTime() - settings.runHistoryDays * 86_400_000)
  await database.deleteFrom('plan_runs').where('decided_at', '<', oldest).execute()
}

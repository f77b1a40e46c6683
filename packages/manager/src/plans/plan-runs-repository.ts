import type { PlanRunOutcome } from '@osb-backup/protocol'
import type { Insertable, Selectable } from 'kysely'
import type { Context } from '../context/context.ts'
import { readKeyset } from '../database/read-keyset.ts'
import { readPage } from '../database/read-page.ts'
import type { PlanRunTable } from '../database/tables/plans.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import type { PlanRun } from './plan-run.ts'

/** What a list of the runs of a plan is filtered by. */
export interface PlanRunSearch {
  planId: string
  outcome?: PlanRunOutcome | undefined
  /** Of when they were due. */
  since?: Date | undefined
  until?: Date | undefined
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

/** Records what became of runs, in the transaction that decides it. */
export async function insertPlanRuns({ database }: InTransaction, runs: readonly PlanRun[]): Promise<void> {
  if (runs.length > 0) await database.insertInto('plan_runs').values(runs.map(toRow)).execute()
}

/** Records that a run was skipped whose job had been created, but could not begin. */
export async function setRunSkipped(
  { database }: InTransaction,
  jobId: string,
  { reason, blockingJobId }: { reason: string; blockingJobId: string },
): Promise<void> {
  await database
    .updateTable('plan_runs')
    .set({ outcome: 'SKIPPED', reason, job_id: blockingJobId })
    .where('job_id', '=', jobId)
    .where('outcome', '=', 'STARTED')
    .execute()
}

/** One page of what became of a plan's runs, newest first unless requested otherwise. */
export async function listPlanRuns(
  { database }: Pick<Context, 'database'>,
  filter: { planId: string; outcome?: PlanRunOutcome | undefined },
  page: PageRequest,
): Promise<PageOf<PlanRun>> {
  const direction = page.sort === undefined || page.sort.descending ? 'desc' : 'asc'
  let query = database
    .selectFrom('plan_runs')
    .selectAll()
    .where('plan_id', '=', filter.planId)
    .orderBy('due_at', direction)
    .orderBy('id', direction)
  if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome)
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map(fromRow), total }
}

/** Deletes the records of runs that were decided before an instant; their jobs stay. Returns how many, at most `limit`. */
export async function deletePlanRunsBefore({ database }: InTransaction, before: Date, limit: number): Promise<number> {
  const expired = database.selectFrom('plan_runs').select('id').where('decided_at', '<', before).limit(limit)
  const { numDeletedRows } = await database.deleteFrom('plan_runs').where('id', 'in', expired).executeTakeFirst()
  return Number(numDeletedRows)
}

const key = [
  { name: 'due_at', type: 'instant' },
  { name: 'id', type: 'number' },
] as const

/** One page of what became of a plan's runs, newest first. */
export async function searchPlanRuns(
  { database }: Pick<Context, 'database'>,
  { planId, outcome, since, until }: PlanRunSearch,
  page: KeysetRequest,
): Promise<KeysetPage<PlanRun>> {
  let query = database.selectFrom('plan_runs').selectAll().where('plan_id', '=', planId)
  if (outcome !== undefined) query = query.where('outcome', '=', outcome)
  if (since !== undefined) query = query.where('due_at', '>=', since)
  if (until !== undefined) query = query.where('due_at', '<', until)
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(fromRow), ...rest }
}

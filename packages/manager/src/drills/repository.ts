import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import { pointFromRow } from '../restore-points/repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'

/** The items that a plan has restore points of which could be restored. */
export async function restorableItemsOf({ database }: { database: Database }, planId: string): Promise<string[]> {
  const rows = await database
    .selectFrom('restore_points')
    .select('item')
    .distinct()
    .where('plan_id', '=', planId)
    .where('deleted_at', 'is', null)
    .where('removal_requested_at', 'is', null)
    .execute()
  return rows.map((row) => row.item)
}

/** The restore points of an item that a plan has and that are not being removed. */
export async function pointsToDrill(
  { database }: { database: Database },
  planId: string,
  item: string,
): Promise<RestorePoint[]> {
  const rows = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('plan_id', '=', planId)
    .where('item', '=', item)
    .where('deleted_at', 'is', null)
    .where('removal_requested_at', 'is', null)
    .execute()
  return rows.map(pointFromRow)
}

/** The drill of a plan that waits or runs; undefined: none does. */
export async function findOpenDrill({ database }: { database: Database }, planId: string): Promise<string | undefined> {
  const row = await database
    .selectFrom('jobs')
    .select('id')
    .where('plan_id', '=', planId)
    .where('kind', '=', 'drill')
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return row?.id
}

/** Whether a drill of any plan is due. It reads one entry of an index, since it is asked every second. */
export async function isAnyDrillDue({ database }: { database: Database }): Promise<boolean> {
  const due = await database
    .selectFrom('backup_plans')
    .select('id')
    .where('next_drill_at', '<=', sql<Date>`now()`)
    .limit(1)
    .execute()
  return due.length > 0
}

/** Locks plans whose drills are due and that no other manager has locked, the longest due first. */
export async function lockPlansToDrill({ database }: InTransaction, limit: number): Promise<string[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select('id')
    .where('next_drill_at', '<=', sql<Date>`now()`)
    .orderBy('next_drill_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()
  return rows.map((row) => row.id)
}

/** Sets when the next drill of a plan is due that is locked. */
export async function setNextDrill({ database }: InTransaction, planId: string, at: Date | undefined): Promise<void> {
  await database
    .updateTable('backup_plans')
    .set({ next_drill_at: at ?? null })
    .where('id', '=', planId)
    .execute()
}

/** What a drill found out about an item. */
export interface DrillOutcome {
  instanceId: string
  item: string
  jobId: string
  /** Why it failed; undefined: it passed. */
  failure: string | undefined
  pointId: string | undefined
  takenAt: Date | undefined
  recoverySeconds: number | undefined
}

/** Records what drills found out about items; a failure leaves what was proven before. */
export async function recordOutcome(
  { database }: InTransaction,
  { instanceId, item, jobId, failure, pointId, takenAt, recoverySeconds }: DrillOutcome,
  now: Date,
): Promise<void> {
  const drilled = { drilled_at: now, drill_job_id: jobId, drill_failure: failure ?? null }
  const proven = {
    proven_at: now,
    proven_point_id: pointId ?? null,
    proven_point_taken_at: takenAt ?? null,
    proven_by_job_id: jobId,
    recovery_seconds: recoverySeconds ?? null,
  }
  const values = failure === undefined ? { ...drilled, ...proven } : drilled
  await database
    .insertInto('restorable_items')
    .values({ instance_id: instanceId, item, ...values })
    .onConflict((conflict) => conflict.columns(['instance_id', 'item']).doUpdateSet(values))
    .execute()
}

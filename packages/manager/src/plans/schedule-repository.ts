import { sql } from 'kysely'
import type { Context } from '../context/context.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { NextRun } from './next-run.ts'
import type { PlanSchedule, PlanToRun } from './plan.ts'

/** A plan that is due. */
export type DuePlan = PlanToRun & PlanSchedule

/** Whether any plan is due. It reads one entry of an index, since it is asked four times a second. */
export async function isAnyPlanDue({ database }: Pick<Context, 'database'>): Promise<boolean> {
  const due = await database
    .selectFrom('backup_plans')
    .select('id')
    .where('next_run_at', '<=', sql<Date>`now()`)
    .limit(1)
    .execute()
  return due.length > 0
}

/** Locks plans that are due and that no other manager has locked, the longest due first. */
export async function lockDuePlans({ database }: InTransaction, now: Date, limit: number): Promise<DuePlan[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select(['id', 'instance_id', 'destination_id', 'compression', 'public_key', 'items', 'frequency', 'timezone'])
    .select(['paused', 'next_due_at', 'last_due_at', 'compression_algorithm', 'compression_level', 'parallel_items'])
    .where('next_run_at', '<=', now)
    .orderBy('next_run_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()
  return rows.map((row) => ({
    id: row.id,
    instanceId: row.instance_id,
    destinationId: row.destination_id,
    compression: row.compression,
    compressor: { algorithm: row.compression_algorithm, level: row.compression_level ?? undefined },
    publicKey: row.public_key ?? undefined,
    items: row.items,
    parallelItems: row.parallel_items,
    paused: row.paused,
    frequency: row.frequency,
    timezone: row.timezone,
    nextDueAt: row.next_due_at ?? undefined,
    lastDueAt: row.last_due_at ?? undefined,
  }))
}

/** Sets the next runs of plans that are locked, and the last run that was decided of each, if one was. */
export async function setNextRuns(
  { database }: InTransaction,
  plans: readonly { planId: string; next: NextRun; lastDueAt?: Date | undefined }[],
): Promise<void> {
  const ids = plans.map(({ planId }) => planId)
  const dues = plans.map(({ next }) => next.dueAt ?? null)
  const starts = plans.map(({ next }) => next.runAt ?? null)
  const lasts = plans.map(({ lastDueAt }) => lastDueAt ?? null)
  await sql`
    update backup_plans
    set next_due_at = next.due_at, next_run_at = next.run_at, last_due_at = coalesce(next.last_due_at, backup_plans.last_due_at)
    from unnest(${ids}::text[], ${dues}::timestamptz[], ${starts}::timestamptz[], ${lasts}::timestamptz[])
      as next (id, due_at, run_at, last_due_at)
    where backup_plans.id = next.id`.execute(database)
}

/** The schedules of plans that are not paused, by id. */
export async function listSchedules(
  { database }: Pick<Context, 'database'>,
  afterId: string,
  limit: number,
): Promise<PlanSchedule[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select(['id', 'paused', 'frequency', 'timezone', 'next_due_at', 'last_due_at'])
    .where('paused', '=', false)
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ next_due_at, last_due_at, ...row }) => ({
    ...row,
    nextDueAt: next_due_at ?? undefined,
    lastDueAt: last_due_at ?? undefined,
  }))
}

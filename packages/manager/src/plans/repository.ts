import { type Selectable, sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import type { Database } from '../database/open-database.ts'
import { readPage } from '../database/read-page.ts'
import type { BackupPlanTable } from '../database/tables/plans.ts'
import { type InTransaction, isViolationOf } from '../database/transaction.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import type { NextRun } from './next-run.ts'
import type { BackupPlan, PlanSchedule } from './plan.ts'

const purposeOfKey = (id: string) => purposeOf('backup_plans', 'sealed_private_key', id)

export function planFromRow({ sealer }: RepositoryContext, row: Selectable<BackupPlanTable>): BackupPlan {
  return {
    id: row.id,
    version: row.version,
    instanceId: row.instance_id,
    destinationId: row.destination_id,
    name: row.name,
    label: row.label ?? undefined,
    paused: row.paused,
    compression: row.compression,
    compressor: { algorithm: row.compression_algorithm, level: row.compression_level ?? undefined },
    frequency: row.frequency,
    timezone: row.timezone,
    retention: {
      style: row.retention_style,
      period: row.retention_period,
      generations: row.retention_generations ?? undefined,
    },
    items: row.items,
    excludedItems: row.excluded_items,
    publicKey: row.public_key ?? undefined,
    privateKey: sealer.openOptional(row.sealed_private_key, purposeOfKey(row.id)),
    rpoSeconds: row.rpo_seconds ?? undefined,
    retries: row.retries,
    parallelItems: row.parallel_items,
    managedBy: row.managed_by ?? undefined,
    mayPause: row.may_pause,
    pausedBy: row.paused_by ?? undefined,
    releasedFrom: row.released_from ?? undefined,
    drill: row.drill ?? undefined,
    nextDrillAt: row.next_drill_at ?? undefined,
    createdAt: row.created_at,
    nextRunAt: row.next_run_at ?? undefined,
    retentionCountsFrom: row.retention_counts_from ?? undefined,
  }
}

function toColumns({ sealer }: RepositoryContext, plan: BackupPlan) {
  return {
    destination_id: plan.destinationId,
    name: plan.name,
    label: plan.label ?? null,
    paused: plan.paused,
    compression: plan.compression,
    compression_algorithm: plan.compressor.algorithm,
    compression_level: plan.compressor.level ?? null,
    frequency: plan.frequency,
    timezone: plan.timezone,
    retention_style: plan.retention.style,
    retention_period: plan.retention.period,
    retention_generations: plan.retention.generations ? JSON.stringify(plan.retention.generations) : null,
    items: JSON.stringify(plan.items),
    excluded_items: JSON.stringify(plan.excludedItems),
    public_key: plan.publicKey ?? null,
    sealed_private_key: sealer.sealOptional(plan.privateKey, purposeOfKey(plan.id)),
    rpo_seconds: plan.rpoSeconds ?? null,
    retries: plan.retries,
    parallel_items: plan.parallelItems,
    managed_by: plan.managedBy ?? null,
    may_pause: plan.mayPause ?? true,
    paused_by: (plan.paused ? plan.pausedBy : undefined) ?? null,
    released_from: plan.releasedFrom ?? null,
    drill: plan.drill === undefined ? null : JSON.stringify(plan.drill),
  }
}

export async function findPlan(context: RepositoryContext, id: string): Promise<BackupPlan | undefined> {
  const row = await context.database.selectFrom('backup_plans').selectAll().where('id', '=', id).executeTakeFirst()
  return row && planFromRow(context, row)
}

/** Plans by id; those that were deleted are missing. */
export async function plansById(context: RepositoryContext, ids: readonly string[]): Promise<Map<string, BackupPlan>> {
  if (ids.length === 0) return new Map()
  const rows = await context.database.selectFrom('backup_plans').selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, planFromRow(context, row)]))
}

/** All plans of an instance. */
export async function plansOfInstance(context: RepositoryContext, instanceId: string): Promise<BackupPlan[]> {
  const rows = await context.database
    .selectFrom('backup_plans')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .orderBy('id')
    .execute()
  return rows.map((row) => planFromRow(context, row))
}

/** One page of an instance's plans, oldest first unless requested otherwise. */
export async function listPlans(
  context: RepositoryContext,
  instanceId: string,
  page: PageRequest,
): Promise<PageOf<BackupPlan>> {
  const query = context.database
    .selectFrom('backup_plans')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .orderBy(page.sort?.property === 'name' ? 'name' : 'created_at', page.sort?.descending ? 'desc' : 'asc')
    .orderBy('id')
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map((row) => planFromRow(context, row)), total }
}

/**
 * The name of a plan of an instance, or of one that stores in a destination; undefined if there is none.
 *
 * @param of - `managed: false`: one that nothing maintains.
 */
export async function nameOfAnyPlan(
  { database }: { database: Database },
  of: { instanceId: string; managed?: false } | { destinationId: string },
): Promise<string | undefined> {
  let query = database.selectFrom('backup_plans').select('name').limit(1)
  if ('managed' in of) query = query.where('managed_by', 'is', null)
  const row = await ('instanceId' in of
    ? query.where('instance_id', '=', of.instanceId)
    : query.where('destination_id', '=', of.destinationId)
  ).executeTakeFirst()
  return row?.name
}

/** The plans that store in a destination. */
export async function planIdsOfDestination(
  { database }: { database: Database },
  destinationId: string,
): Promise<string[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select('id')
    .where('destination_id', '=', destinationId)
    .execute()
  return rows.map((row) => row.id)
}

/**
 * Locks a plan, so that it does not change and no job of it starts until the transaction ends.
 *
 * @returns The plan with its schedule; undefined if it was deleted.
 */
export async function lockPlan(
  tx: RepositoryContext & InTransaction,
  id: string,
): Promise<{ plan: BackupPlan; schedule: PlanSchedule } | undefined> {
  const row = await tx.database
    .selectFrom('backup_plans')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return undefined
  const plan = planFromRow(tx, row)
  const schedule = { ...plan, nextDueAt: row.next_due_at ?? undefined, lastDueAt: row.last_due_at ?? undefined }
  return { plan, schedule }
}

/** Locks all plans of an instance in the same way. Returns their ids. */
export async function lockPlansOfInstance({ database }: InTransaction, instanceId: string): Promise<string[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select('id')
    .where('instance_id', '=', instanceId)
    .orderBy('id')
    .forUpdate()
    .execute()
  return rows.map((row) => row.id)
}

/** Stores a new plan with its next run. */
export async function insertPlan(
  tx: RepositoryContext & InTransaction,
  plan: BackupPlan,
  next: NextRun,
): Promise<void> {
  await tx.database
    .insertInto('backup_plans')
    .values({
      id: plan.id,
      instance_id: plan.instanceId,
      created_at: plan.createdAt,
      ...toColumns(tx, plan),
      ...nextRunColumns(next),
      retention_counts_from: plan.retentionCountsFrom ?? null,
      drill_since: plan.drill === undefined ? null : plan.createdAt,
      next_drill_at: plan.nextDrillAt ?? null,
    })
    .execute()
}

/**
 * Replaces a plan that is locked.
 *
 * @param changes - Its next run, if its schedule changed; since when its retention applies, if that changed; its next drill, if the
 *   schedule of its drills changed.
 * @returns Its new version.
 */
export async function updatePlan(
  tx: RepositoryContext & InTransaction,
  plan: BackupPlan,
  changes: {
    next?: NextRun | undefined
    retentionCountsFrom?: Date | undefined
    nextDrill?: { at: Date | undefined } | undefined
  },
): Promise<number> {
  const { version } = await tx.database
    .updateTable('backup_plans')
    .set({
      ...toColumns(tx, plan),
      ...(changes.next && nextRunColumns(changes.next)),
      ...(changes.retentionCountsFrom && { retention_counts_from: changes.retentionCountsFrom }),
      drill_since: plan.drill === undefined ? null : sql<Date>`coalesce(drill_since, now())`,
      ...(changes.nextDrill && { next_drill_at: changes.nextDrill.at ?? null }),
      version: sql`version + 1`,
    })
    .where('id', '=', plan.id)
    .returning('version')
    .executeTakeFirstOrThrow()
  return version
}

const nextRunColumns = ({ dueAt, runAt }: NextRun) => ({ next_due_at: dueAt ?? null, next_run_at: runAt ?? null })

/** Whether a plan was not stored because its instance has another plan of that name. */
export function isPlanNameTaken(error: unknown): boolean {
  return isViolationOf(error, 'backup_plans_name_in_instance')
}

/** Deletes plans; their jobs and restore points stay. */
export async function deletePlans({ database }: InTransaction, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await database.deleteFrom('backup_plans').where('id', 'in', ids).execute()
}

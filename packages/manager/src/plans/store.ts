import { type Selectable, sql } from 'kysely'
import { DatabaseError } from 'pg'
import type { Context } from '../context.ts'
import { readPage } from '../database/read-page.ts'
import type { BackupPlanTable } from '../database/schema.ts'
import type { PageRequest } from '../http/paging.ts'
import { RequestError } from '../request-error.ts'
import { sealedColumns } from '../secrets/sealed-columns.ts'
import type { BackupPlan } from './plan.ts'

type Reach = Pick<Context, 'database' | 'sealer'>

const purpose = sealedColumns.backup_plans.sealed_private_key

function fromRow({ sealer }: Reach, row: Selectable<BackupPlanTable>): BackupPlan {
  return {
    id: row.id,
    version: row.version,
    instanceId: row.instance_id,
    destinationId: row.destination_id,
    name: row.name,
    paused: row.paused,
    compression: row.compression,
    frequency: row.frequency,
    timezone: row.timezone,
    retention: { style: row.retention_style, period: row.retention_period },
    items: row.items,
    publicKey: row.public_key ?? undefined,
    privateKey: sealer.openOptional(row.sealed_private_key, purpose),
  }
}

function toColumns({ sealer }: Reach, plan: BackupPlan) {
  return {
    destination_id: plan.destinationId,
    name: plan.name,
    paused: plan.paused,
    compression: plan.compression,
    frequency: plan.frequency,
    timezone: plan.timezone,
    retention_style: plan.retention.style,
    retention_period: plan.retention.period,
    items: JSON.stringify(plan.items),
    public_key: plan.publicKey ?? null,
    sealed_private_key: sealer.sealOptional(plan.privateKey, purpose),
  }
}

export async function findPlan(reach: Reach, id: string): Promise<BackupPlan | undefined> {
  const row = await reach.database.selectFrom('backup_plans').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(reach, row)
}

/** Plans by id; those that were deleted are missing. */
export async function plansById(reach: Reach, ids: readonly string[]): Promise<Map<string, BackupPlan>> {
  if (ids.length === 0) return new Map()
  const rows = await reach.database.selectFrom('backup_plans').selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, fromRow(reach, row)]))
}

/** One page of an instance's plans, oldest first unless told otherwise. */
export async function listPlans(
  reach: Reach,
  instanceId: string,
  page: PageRequest,
): Promise<{ entries: BackupPlan[]; total: number }> {
  const query = reach.database
    .selectFrom('backup_plans')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .orderBy(page.sort?.property === 'name' ? 'name' : 'created_at', page.sort?.descending ? 'desc' : 'asc')
    .orderBy('id')
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map((row) => fromRow(reach, row)), total }
}

/** @throws {RequestError} If the instance has a plan of that name. */
export async function insertPlan(reach: Reach, plan: BackupPlan): Promise<void> {
  await withNameTaken(
    plan,
    reach.database
      .insertInto('backup_plans')
      .values({ id: plan.id, instance_id: plan.instanceId, ...toColumns(reach, plan) })
      .execute(),
  )
}

/**
 * Replaces a plan.
 *
 * @param edited - The version that is replaced, if that matters.
 * @returns The new version; undefined if another one than the edited stands there, and nothing was written.
 * @throws {RequestError} If the instance has another plan of that name.
 */
export async function updatePlan(
  reach: Reach,
  plan: BackupPlan,
  edited: number | undefined,
): Promise<number | undefined> {
  let update = reach.database
    .updateTable('backup_plans')
    .set({ ...toColumns(reach, plan), version: sql`version + 1` })
    .where('id', '=', plan.id)
  if (edited !== undefined) update = update.where('version', '=', edited)
  const written = await withNameTaken(plan, update.returning('version').executeTakeFirst())
  return written?.version
}

/** Deletes plans; their jobs, restore points and files stay. */
export async function deletePlans({ database }: Reach, which: { id: string } | { instanceId: string }): Promise<void> {
  const [column, value] = 'id' in which ? (['id', which.id] as const) : (['instance_id', which.instanceId] as const)
  await database.deleteFrom('backup_plans').where(column, '=', value).execute()
}

async function withNameTaken<T>(plan: BackupPlan, written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (cause) {
    if (!(cause instanceof DatabaseError) || cause.constraint !== 'backup_plans_name_in_instance') throw cause
    throw new RequestError('invalid', `The service instance has a backup plan ${JSON.stringify(plan.name)} already.`, {
      field: 'name',
      cause,
    })
  }
}

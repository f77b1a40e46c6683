import { sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import { beginsWith } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { BackupPlan, PlanSchedule } from './plan.ts'
import { lockPlan, planFromRow } from './repository.ts'

/** Which plan of an instance something maintains, or takes over. */
export interface ManagedPlanQuery {
  instanceId: string
  managedBy: string
  /** Otherwise one that is maintained by, or was released from, something whose name begins so. */
  takesOver?: string | undefined
}

/** The plan of an instance that something maintains or would take over. */
export async function findManagedPlan(
  context: RepositoryContext,
  { instanceId, managedBy, takesOver }: ManagedPlanQuery,
): Promise<BackupPlan | undefined> {
  const row = await context.database
    .selectFrom('backup_plans')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .where(({ eb, or }) =>
      or([
        eb('managed_by', '=', managedBy),
        ...(takesOver === undefined
          ? []
          : [beginsWith('managed_by', takesOver), beginsWith('released_from', takesOver)]),
      ]),
    )
    .orderBy(sql`managed_by is not distinct from ${managedBy}`, 'desc')
    .orderBy(sql`managed_by is not null`, 'desc')
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row && planFromRow(context, row)
}

/** The same, locked as by `lockPlan`. The caller has locked the instance, so that no other one takes its place meanwhile. */
export async function lockManagedPlan(
  tx: RepositoryContext & InTransaction,
  query: ManagedPlanQuery,
): Promise<{ plan: BackupPlan; schedule: PlanSchedule } | undefined> {
  const found = await findManagedPlan(tx, query)
  return found && lockPlan(tx, found.id)
}

/** The names of the plans of an instance, by id. */
export async function planNamesOf(
  { database }: { database: Database },
  instanceId: string,
): Promise<Map<string, string>> {
  const rows = await database
    .selectFrom('backup_plans')
    .select(['id', 'name'])
    .where('instance_id', '=', instanceId)
    .execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** A plan that something maintains. */
export interface ManagedPlanRef {
  planId: string
  instanceId: string
}

/** The plans that something maintains. */
export async function listManagedPlans(
  { database }: { database: Database },
  managedBy: string,
): Promise<ManagedPlanRef[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select(['id', 'instance_id'])
    .where('managed_by', '=', managedBy)
    .orderBy('id')
    .execute()
  return rows.map(({ id, instance_id }) => ({ planId: id, instanceId: instance_id }))
}

/** Leaves plans to their instances, as they are. Whatever takes them over later continues them. */
export async function releasePlans(
  { database }: InTransaction,
  managedBy: string,
  instanceId: string | undefined,
): Promise<void> {
  let update = database
    .updateTable('backup_plans')
    .set({ released_from: managedBy, managed_by: null, may_pause: true, version: sql`version + 1` })
    .where('managed_by', '=', managedBy)
  if (instanceId !== undefined) update = update.where('instance_id', '=', instanceId)
  await update.execute()
}

/** Deletes plans that something maintains; their jobs and restore points stay. */
export async function deleteManagedPlans(
  { database }: InTransaction,
  of: { instanceId: string; managedBy?: undefined } | { instanceId?: string | undefined; managedBy: string },
): Promise<void> {
  let query = database.deleteFrom('backup_plans').where('managed_by', 'is not', null)
  if (of.instanceId !== undefined) query = query.where('instance_id', '=', of.instanceId)
  if (of.managedBy !== undefined) query = query.where('managed_by', '=', of.managedBy)
  await query.execute()
}

/** The plans of instances whose maintainer begins so, by instance. */
export async function listPlansMaintainedBy(
  { database }: { database: Database },
  prefix: string,
  instanceIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await database
    .selectFrom('backup_plans')
    .select(['id', 'instance_id'])
    .where('instance_id', '=', sql<string>`any(${[...instanceIds]}::text[])`)
    .where(beginsWith('managed_by', prefix))
    .execute()
  return new Map(rows.map(({ id, instance_id }) => [instance_id, id]))
}

import { type Selectable, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { BrokerInstanceTable } from '../database/tables/broker.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { BrokerInstance, DeprovisionOperation } from './broker-instance.ts'
import type { InstanceParameters } from './parameters.ts'

type RepositoryContext = { database: Database }

function fromRow(row: Selectable<BrokerInstanceTable>): BrokerInstance {
  return {
    id: row.id,
    account: row.account,
    serviceId: row.service_id,
    planId: row.plan_id,
    organizationGuid: row.organization_guid,
    spaceGuid: row.space_guid,
    context: row.context,
    parameters: row.parameters as Record<string, unknown> & InstanceParameters,
    protectedInstanceId: row.protected_instance_id,
    backupPlanId: row.backup_plan_id,
    state: row.state,
    operation: row.operation ?? undefined,
    createdAt: row.created_at,
  }
}

export async function findBrokerInstance(
  { database }: RepositoryContext,
  id: string,
): Promise<BrokerInstance | undefined> {
  const row = await database.selectFrom('broker_instances').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** Locks an instance until the end of the transaction. */
export async function lockBrokerInstance({ database }: InTransaction, id: string): Promise<BrokerInstance | undefined> {
  const row = await database
    .selectFrom('broker_instances')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return row && fromRow(row)
}

/** Serializes, until the end of the transaction, what creates and deletes the instance of an id, in all managers. */
export async function lockInstanceId({ database }: InTransaction, id: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`broker instance ${id}`}, 0))`.execute(database)
}

export async function insertBrokerInstance({ database }: InTransaction, instance: BrokerInstance): Promise<void> {
  await database
    .insertInto('broker_instances')
    .values({
      id: instance.id,
      account: instance.account,
      service_id: instance.serviceId,
      protected_instance_id: instance.protectedInstanceId,
      created_at: instance.createdAt,
      ...toColumns(instance),
    })
    .execute()
}

/** Replaces what may change of an instance. */
export async function updateBrokerInstance({ database }: RepositoryContext, instance: BrokerInstance): Promise<void> {
  await database.updateTable('broker_instances').set(toColumns(instance)).where('id', '=', instance.id).execute()
}

function toColumns(instance: BrokerInstance) {
  return {
    plan_id: instance.planId,
    organization_guid: instance.organizationGuid,
    space_guid: instance.spaceGuid,
    context: JSON.stringify(instance.context),
    parameters: JSON.stringify(instance.parameters),
    backup_plan_id: instance.backupPlanId,
    state: instance.state,
    operation: instance.operation === undefined ? null : JSON.stringify(instance.operation),
  }
}

/** Replaces the operation of an instance that is being deprovisioned. Returns whether it still is, by that operation. */
export async function updateOperation(
  { database }: RepositoryContext,
  { id, operation }: { id: string; operation: DeprovisionOperation },
): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('broker_instances')
    .set({
      operation: JSON.stringify(operation),
      state: operation.state === 'failed' ? 'ready' : 'deprovisioning',
    })
    .where('id', '=', id)
    .where('state', '=', 'deprovisioning')
    .where(sql<string>`operation ->> 'id'`, '=', operation.id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Deletes an instance with its bindings. */
export async function deleteBrokerInstance({ database }: InTransaction, id: string): Promise<void> {
  await database.deleteFrom('broker_instances').where('id', '=', id).execute()
}

/** How many instances of a plan a space has. */
export async function countInSpace(
  { database }: RepositoryContext,
  { planId, spaceGuid }: Pick<BrokerInstance, 'planId' | 'spaceGuid'>,
): Promise<number> {
  const { count } = await database
    .selectFrom('broker_instances')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('plan_id', '=', planId)
    .where('space_guid', '=', spaceGuid)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Instances that are being deprovisioned, in the order of their ids, after one. */
export async function instancesInProgress(
  { database }: RepositoryContext,
  after: string,
  limit: number,
): Promise<BrokerInstance[]> {
  const rows = await database
    .selectFrom('broker_instances')
    .selectAll()
    .where('state', '=', 'deprovisioning')
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(fromRow)
}

import { type Selectable, sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import { contains } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { ServiceBrokerTable } from '../database/tables/service-brokers.ts'
import type { InTransaction } from '../database/transaction.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { ServiceBroker } from './service-broker.ts'

const purposeFor = (id: string) => purposeOf('service_brokers', 'sealed_password', id)

function fromRow({ sealer }: RepositoryContext, row: Selectable<ServiceBrokerTable>): ServiceBroker {
  return {
    id: row.id,
    version: row.version,
    name: row.name,
    url: row.url,
    username: row.username,
    password: sealer.openOptional(row.sealed_password, purposeFor(row.id)),
    caCertificate: row.ca_certificate ?? undefined,
    services: row.services ?? undefined,
    maxInstances: row.max_instances,
    requestTimeoutSeconds: row.request_timeout_seconds,
    operationTimeoutSeconds: row.operation_timeout_seconds,
    registersInstances: row.registers_instances,
    agentId: row.agent_id ?? undefined,
    organizationGuid: row.organization_guid ?? undefined,
    spaceGuid: row.space_guid ?? undefined,
    createdAt: row.created_at,
  }
}

function toColumns({ sealer }: RepositoryContext, broker: ServiceBroker) {
  return {
    name: broker.name,
    url: broker.url,
    username: broker.username,
    sealed_password: sealer.sealOptional(broker.password, purposeFor(broker.id)),
    ca_certificate: broker.caCertificate ?? null,
    services: broker.services === undefined ? null : JSON.stringify(broker.services),
    max_instances: broker.maxInstances,
    request_timeout_seconds: broker.requestTimeoutSeconds,
    operation_timeout_seconds: broker.operationTimeoutSeconds,
    registers_instances: broker.registersInstances,
    agent_id: broker.agentId ?? null,
    organization_guid: broker.organizationGuid ?? null,
    space_guid: broker.spaceGuid ?? null,
  }
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of the service brokers whose name contains a text, newest first. */
export async function searchBrokers(
  context: RepositoryContext,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<ServiceBroker>> {
  let query = context.database.selectFrom('service_brokers').selectAll()
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => fromRow(context, row)), ...rest }
}

export async function findBroker(context: RepositoryContext, id: string): Promise<ServiceBroker | undefined> {
  const row = await context.database.selectFrom('service_brokers').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(context, row)
}

/** The service brokers, the oldest first; at most two, which is enough to know whether there is one. */
export async function firstBrokers(context: RepositoryContext): Promise<ServiceBroker[]> {
  const rows = await context.database
    .selectFrom('service_brokers')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .limit(2)
    .execute()
  return rows.map((row) => fromRow(context, row))
}

/** Locks a service broker until the transaction ends, so that its quota is counted by one at a time. */
export async function lockBroker(
  context: InTransaction<RepositoryContext>,
  id: string,
): Promise<ServiceBroker | undefined> {
  const row = await context.database
    .selectFrom('service_brokers')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return row && fromRow(context, row)
}

/** Stores a new service broker. */
export async function insertBroker(context: RepositoryContext, broker: ServiceBroker): Promise<void> {
  await context.database
    .insertInto('service_brokers')
    .values({ id: broker.id, created_at: broker.createdAt, ...toColumns(context, broker) })
    .execute()
}

/** Replaces a service broker. Returns the new version; undefined if another one than `broker.version` is stored. */
export async function updateBroker(context: RepositoryContext, broker: ServiceBroker): Promise<number | undefined> {
  const row = await context.database
    .updateTable('service_brokers')
    .set({ ...toColumns(context, broker), version: sql`version + 1` })
    .where('id', '=', broker.id)
    .where('version', '=', broker.version)
    .returning('version')
    .executeTakeFirst()
  return row?.version
}

/** Deletes a service broker with the records of its instances. */
export async function deleteBroker({ database }: { database: Database }, id: string): Promise<void> {
  await database.deleteFrom('service_brokers').where('id', '=', id).execute()
}

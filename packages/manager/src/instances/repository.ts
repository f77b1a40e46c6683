import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { readPage } from '../database/read-page.ts'
import type { ServiceInstanceTable } from '../database/schema.ts'
import { sealedColumns } from '../secrets/sealed-columns.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import type { ServiceInstance } from './instance.ts'

const purpose = sealedColumns.service_instances

function fromRow({ sealer }: RepositoryContext, row: Selectable<ServiceInstanceTable>): ServiceInstance {
  return {
    id: row.id,
    version: row.version,
    serviceId: row.service_id ?? undefined,
    planId: row.plan_id ?? undefined,
    organizationGuid: row.organization_guid ?? undefined,
    spaceGuid: row.space_guid ?? undefined,
    parameters: row.parameters,
    hosts: row.hosts,
    database: {
      username: row.database_username ?? undefined,
      password: sealer.openOptional(row.sealed_database_password, purpose.sealed_database_password),
      backupUsername: row.backup_username ?? undefined,
      backupPassword: sealer.openOptional(row.sealed_backup_password, purpose.sealed_backup_password),
    },
    agent: {
      url: row.agent_url,
      username: row.agent_username,
      password: sealer.openOptional(row.sealed_agent_password, purpose.sealed_agent_password),
    },
  }
}

/** The instance, if it is registered. */
export async function findInstance(context: RepositoryContext, id: string): Promise<ServiceInstance | undefined> {
  const row = await context.database
    .selectFrom('service_instances')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && fromRow(context, row)
}

/** Instances by id, also deleted ones: their jobs and restore points still refer to them. */
export async function instancesById(
  context: RepositoryContext,
  ids: readonly string[],
): Promise<Map<string, ServiceInstance>> {
  if (ids.length === 0) return new Map()
  const rows = await context.database.selectFrom('service_instances').selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, fromRow(context, row)]))
}

/** One page of the registered instances among those that are granted, by id. */
export async function listInstances(
  context: RepositoryContext,
  granted: Grants,
  page: PageRequest,
): Promise<PageOf<ServiceInstance>> {
  let query = context.database
    .selectFrom('service_instances')
    .selectAll()
    .where('deleted_at', 'is', null)
    .orderBy('id', page.sort?.descending ? 'desc' : 'asc')
  // An array parameter, since an empty list is invalid SQL.
  if (granted !== 'all') query = query.where('id', '=', sql<string>`any(${granted})`)
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map((row) => fromRow(context, row)), total }
}

/**
 * Stores an instance, or replaces it.
 *
 * @param edited - The version to replace, if that matters.
 * @returns The new version; undefined if another version than `edited` is stored, and nothing was written.
 */
export async function upsertInstance(
  { database, sealer }: RepositoryContext,
  instance: ServiceInstance,
  edited: number | undefined,
): Promise<number | undefined> {
  const values = {
    service_id: instance.serviceId ?? null,
    plan_id: instance.planId ?? null,
    organization_guid: instance.organizationGuid ?? null,
    space_guid: instance.spaceGuid ?? null,
    parameters: JSON.stringify(instance.parameters),
    hosts: JSON.stringify(instance.hosts),
    database_username: instance.database.username ?? null,
    sealed_database_password: sealer.sealOptional(instance.database.password, purpose.sealed_database_password),
    backup_username: instance.database.backupUsername ?? null,
    sealed_backup_password: sealer.sealOptional(instance.database.backupPassword, purpose.sealed_backup_password),
    agent_url: instance.agent.url,
    agent_username: instance.agent.username,
    sealed_agent_password: sealer.sealOptional(instance.agent.password, purpose.sealed_agent_password),
    deleted_at: null,
  }
  const written = await database
    .insertInto('service_instances')
    .values({ id: instance.id, ...values })
    .onConflict((conflict) => {
      const update = conflict.column('id').doUpdateSet({ ...values, version: sql`service_instances.version + 1` })
      return edited === undefined ? update : update.where('service_instances.version', '=', edited)
    })
    .returning('version')
    .executeTakeFirst()
  return written?.version
}

/** Marks an instance as deleted and erases its credentials; its jobs and restore points still refer to the row. */
export async function markInstanceDeleted({ database }: RepositoryContext, id: string, now: Date): Promise<void> {
  await database
    .updateTable('service_instances')
    .set({
      deleted_at: now,
      sealed_database_password: null,
      sealed_backup_password: null,
      sealed_agent_password: null,
    })
    .where('id', '=', id)
    .execute()
}

import { splitParameters } from '@osb-backup/core'
import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { contains, isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import { readPage } from '../database/read-page.ts'
import type { ServiceInstanceTable } from '../database/tables/instances.ts'
import { type InTransaction, isViolationOf } from '../database/transaction.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { agentPlaces, backupHost, type ServiceInstance } from './instance.ts'

/** What a list of instances is filtered by. */
export interface InstanceSearch {
  scope: Grants
  agentId?: string | undefined
  /** In their id or the name of a host. */
  text?: string | undefined
}

type SealedColumn = 'sealed_database_password' | 'sealed_backup_password' | 'sealed_parameters'
const purposeIn = (id: string) => (column: SealedColumn) => purposeOf('service_instances', column, id)

/** A row of an instance with the columns of its agent. */
type InstanceRow = Selectable<ServiceInstanceTable> & {
  agent_url: string
  agent_username: string
  sealed_agent_password: string | null
  other_agents: { agentId: string; hostName: string | null }[]
}

function fromRow({ sealer }: RepositoryContext, row: InstanceRow): ServiceInstance {
  const purpose = purposeIn(row.id)
  return {
    id: row.id,
    version: row.version,
    serviceId: row.service_id ?? undefined,
    planId: row.plan_id ?? undefined,
    organizationGuid: row.organization_guid ?? undefined,
    spaceGuid: row.space_guid ?? undefined,
    parameters: {
      ...row.parameters,
      ...JSON.parse(sealer.openOptional(row.sealed_parameters, purpose('sealed_parameters')) ?? '{}'),
    },
    secretParameters: row.secret_parameters,
    items: row.items ?? undefined,
    pack: row.pack ?? undefined,
    label: row.label ?? undefined,
    drillTarget: row.drill_target,
    hosts: row.hosts,
    database: {
      username: row.database_username ?? undefined,
      password: sealer.openOptional(row.sealed_database_password, purpose('sealed_database_password')),
      backupUsername: row.backup_username ?? undefined,
      backupPassword: sealer.openOptional(row.sealed_backup_password, purpose('sealed_backup_password')),
    },
    agent: {
      id: row.agent_id,
      url: row.agent_url,
      username: row.agent_username,
      password: sealer.openOptional(row.sealed_agent_password, purposeOf('agents', 'sealed_password', row.agent_id)),
    },
    otherAgents: row.other_agents.map(({ agentId, hostName }) => ({ agentId, hostName: hostName ?? undefined })),
    createdAt: row.created_at,
  }
}

const withAgents = ({ database }: { database: Database }) =>
  database
    .selectFrom('service_instances')
    .innerJoin('agents', 'agents.id', 'service_instances.agent_id')
    .selectAll('service_instances')
    .select(['agents.url as agent_url', 'agents.username as agent_username'])
    .select('agents.sealed_password as sealed_agent_password')
    .select(
      sql<InstanceRow['other_agents']>`(
        select coalesce(jsonb_agg(jsonb_build_object('agentId', agent_id, 'hostName', host_name) order by position), '[]')
        from other_agents where instance_id = service_instances.id)`.as('other_agents'),
    )

/** The instance, if it is registered. */
export async function findInstance(context: RepositoryContext, id: string): Promise<ServiceInstance | undefined> {
  const row = await withAgents(context)
    .where('service_instances.id', '=', id)
    .where('service_instances.deleted_at', 'is', null)
    .executeTakeFirst()
  return row && fromRow(context, row)
}

/** Instances by id, also deleted ones: their jobs and restore points still refer to them. */
export async function instancesById(
  context: RepositoryContext,
  ids: readonly string[],
): Promise<Map<string, ServiceInstance>> {
  if (ids.length === 0) return new Map()
  const rows = await withAgents(context).where('service_instances.id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, fromRow(context, row)]))
}

/** One page of the registered instances among those that are granted, by id. */
export async function listInstances(
  context: RepositoryContext,
  granted: Grants,
  page: PageRequest,
): Promise<PageOf<ServiceInstance>> {
  let query = withAgents(context)
    .where('service_instances.deleted_at', 'is', null)
    .orderBy('service_instances.id', page.sort?.descending ? 'desc' : 'asc')
  // An array parameter, since an empty list is invalid SQL.
  if (granted !== 'all') query = query.where('service_instances.id', '=', sql<string>`any(${granted})`)
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map((row) => fromRow(context, row)), total }
}

/**
 * Stores an instance, or replaces it.
 *
 * @param edited - The version to replace; undefined: whichever is stored; `new`: none that is registered.
 * @param registeredBy - The broker that registers it; counts only if it never existed.
 * @returns The new version; undefined if another version than `edited` is stored, and nothing was written.
 */
export async function upsertInstance(
  { database, sealer }: RepositoryContext,
  instance: ServiceInstance,
  edited: number | 'new' | undefined,
  registeredBy?: string,
): Promise<number | undefined> {
  const { ip, port } = backupHost(instance.hosts)
  const purpose = purposeIn(instance.id)
  const { open, secret } = splitParameters(instance.parameters, instance.secretParameters)
  const values = {
    service_id: instance.serviceId ?? null,
    plan_id: instance.planId ?? null,
    organization_guid: instance.organizationGuid ?? null,
    space_guid: instance.spaceGuid ?? null,
    parameters: JSON.stringify(open),
    sealed_parameters:
      Object.keys(secret).length === 0 ? null : sealer.seal(JSON.stringify(secret), purpose('sealed_parameters')),
    secret_parameters: JSON.stringify(instance.secretParameters),
    items: instance.items === undefined ? null : JSON.stringify(instance.items),
    pack: instance.pack ?? null,
    label: instance.label ?? null,
    drill_target: instance.drillTarget ?? false,
    hosts: JSON.stringify(instance.hosts),
    backup_host: ip,
    backup_port: port ?? 0,
    database_username: instance.database.username ?? null,
    sealed_database_password: sealer.sealOptional(instance.database.password, purpose('sealed_database_password')),
    backup_username: instance.database.backupUsername ?? null,
    sealed_backup_password: sealer.sealOptional(instance.database.backupPassword, purpose('sealed_backup_password')),
    agent_id: instance.agent.id,
    deprovisioned_at: null,
    deleted_at: null,
  }
  const written = await database
    .insertInto('service_instances')
    .values({ id: instance.id, created_at: instance.createdAt, registered_by: registeredBy ?? null, ...values })
    .onConflict((conflict) => {
      const update = conflict.column('id').doUpdateSet({ ...values, version: sql`service_instances.version + 1` })
      if (edited === 'new') return update.where('service_instances.deleted_at', 'is not', null)
      return edited === undefined ? update : update.where('service_instances.version', '=', edited)
    })
    .returning('version')
    .executeTakeFirst()
  if (written !== undefined) await replaceOtherAgents({ database }, instance)
  return written?.version
}

/** Why the database refused to mark an instance as a drill target, or to unmark it. */
export function drillTargetProblem(error: unknown): 'backed-up' | 'in-use' | undefined {
  if (isViolationOf(error, 'drill_targets_are_not_backed_up')) return 'backed-up'
  return isViolationOf(error, 'drill_target_in_use') ? 'in-use' : undefined
}

async function replaceOtherAgents({ database }: { database: Database }, instance: ServiceInstance): Promise<void> {
  await database.deleteFrom('other_agents').where('instance_id', '=', instance.id).execute()
  const places = agentPlaces(instance).slice(1)
  const rows = places.map(({ agentId, host, port }, position) => ({
    instance_id: instance.id,
    position,
    agent_id: agentId,
    host_name: instance.otherAgents[position]?.hostName ?? null,
    host,
    port,
  }))
  if (rows.length > 0) await database.insertInto('other_agents').values(rows).execute()
}

/**
 * Locks a registered instance, so that until the transaction ends it is neither changed nor deleted, and nothing else maintains
 * plans of it.
 *
 * @returns The instance; undefined if it is not registered.
 */
export async function lockInstance(
  tx: RepositoryContext & InTransaction,
  id: string,
): Promise<ServiceInstance | undefined> {
  await tx.database.selectFrom('service_instances').select('id').where('id', '=', id).forNoKeyUpdate().execute()
  return findInstance(tx, id)
}

/** Marks an instance whose broker deletes its database; undone if the instance is registered again. */
export async function markInstanceDeprovisioned(
  { database }: { database: Database },
  id: string,
  now: Date,
): Promise<void> {
  await database.updateTable('service_instances').set({ deprovisioned_at: now }).where('id', '=', id).execute()
}

/** Marks an instance as deleted and erases its secrets; its jobs and restore points still refer to the row. */
export async function markInstanceDeleted({ database }: RepositoryContext, id: string, now: Date): Promise<void> {
  await database
    .updateTable('service_instances')
    .set({
      deleted_at: now,
      sealed_database_password: null,
      sealed_backup_password: null,
      sealed_parameters: null,
    })
    .where('id', '=', id)
    .execute()
}

const key = [
  { name: 'service_instances.created_at', type: 'instant' },
  { name: 'service_instances.id', type: 'text' },
] as const

/** That an instance is registered, granted, and what is searched. */
function isSearched({ scope, agentId, text }: InstanceSearch) {
  const conditions = [sql`service_instances.deleted_at is null`, isGranted('service_instances.id', scope)]
  if (agentId !== undefined) {
    conditions.push(sql`exists (
      select from instance_agents where instance_id = service_instances.id and instance_agents.agent_id = ${agentId})`)
  }
  if (text !== undefined) {
    conditions.push(sql`(${contains('service_instances.id', text)} or exists (
      select from jsonb_to_recordset(hosts) as host (name text) where ${contains('host.name', text)}))`)
  }
  return sql<boolean>`(${sql.join(conditions, sql` and `)})`
}

/** One page of the registered instances among those that are granted, newest first. */
export async function searchInstances(
  context: RepositoryContext,
  search: InstanceSearch,
  page: KeysetRequest,
): Promise<KeysetPage<ServiceInstance>> {
  const { entries, ...rest } = await readKeyset(withAgents(context).where(isSearched(search)), key, 'desc', page)
  return { entries: entries.map((row) => fromRow(context, row)), ...rest }
}

/** As `searchInstances`, but their ids alone. */
export async function searchInstanceIds(
  { database }: { database: Database },
  search: InstanceSearch,
  page: KeysetRequest,
): Promise<KeysetPage<string>> {
  const query = database.selectFrom('service_instances').select('service_instances.id').where(isSearched(search))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => row.id), ...rest }
}

/** Which broker registered an instance, also one that was deleted: null if it was no broker, undefined if it never existed. */
export async function findBrokerOf(
  { database }: { database: Database },
  id: string,
): Promise<string | null | undefined> {
  const row = await database
    .selectFrom('service_instances')
    .select('registered_by')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.registered_by
}

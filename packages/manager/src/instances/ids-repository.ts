import { sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import { isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'

/** Ids of the registered instances that a caller was granted, in their order, from one on. */
export async function listInstanceIds(
  { database }: { database: Database },
  scope: Grants,
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  const rows = await database
    .selectFrom('service_instances')
    .select('id')
    .where('deleted_at', 'is', null)
    .where(isGranted('id', scope))
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}

/** The registered instances that use an agent. */
export async function instanceIdsOfAgent({ database }: { database: Database }, agentId: string): Promise<string[]> {
  const rows = await database
    .selectFrom('instance_agents')
    .select('instance_id')
    .distinct()
    .where('agent_id', '=', agentId)
    .orderBy('instance_id')
    .execute()
  return rows.map((row) => row.instance_id)
}

/** How many registered instances use each of these agents. */
export async function countInstancesOfAgents(
  { database }: { database: Database },
  agentIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await database
    .selectFrom('instance_agents')
    .select('agent_id')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('agent_id', '=', sql<string>`any(${agentIds}::text[])`)
    .groupBy('agent_id')
    .execute()
  return new Map(rows.map((row) => [row.agent_id, Number(row.count)]))
}

/** The registered instances of a broker. */
export async function instanceIdsOfBroker({ database }: { database: Database }, broker: string): Promise<string[]> {
  const rows = await database
    .selectFrom('service_instances')
    .select('id')
    .where('registered_by', '=', broker)
    .where('deleted_at', 'is', null)
    .execute()
  return rows.map((row) => row.id)
}

/** The registered instances that have a host at one of these addresses. */
export async function instanceIdsAtHosts(
  { database }: { database: Database },
  addresses: readonly string[],
): Promise<string[]> {
  const isThere = sql<boolean>`exists (
    select from jsonb_to_recordset(hosts) as host (ip text) where host.ip = any(${addresses}::text[]))`
  const rows = await database
    .selectFrom('service_instances')
    .select('id')
    .where('deleted_at', 'is', null)
    .where(isThere)
    .execute()
  return rows.map((row) => row.id)
}

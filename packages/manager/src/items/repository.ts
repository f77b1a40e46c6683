import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { AgentPlace } from '../instances/instance.ts'

/** Where and as whom the databases of an instance are reached. */
export interface ServerPlace {
  instanceId: string
  /** Its agents, and the host that each works on. */
  agents: readonly AgentPlace[]
  /** Null: the one that the agent or its scripts choose. */
  username: string | null
  privilegedUsername: string | null
}

/** Whether another registered instance reaches the same database server through the same agent with the same account. */
export async function isServerShared({ database }: { database: Database }, place: ServerPlace): Promise<boolean> {
  const { rows } = await sql<{ shared: boolean }>`select exists (${sharing(place, sql`1`)}) as shared`.execute(database)
  return rows[0]?.shared === true
}

/** What each of them has declared. */
export async function itemsOfSharingInstances(
  { database }: { database: Database },
  place: ServerPlace,
): Promise<string[][]> {
  const declared = sharing(place, sql`other.items as items`)
  const { rows } = await sql<{ items: string[] }>`${declared} and other.items is not null`.execute(database)
  return rows.map((row) => row.items)
}

/**
 * An agent may be registered twice, so that its URL counts too. A port or an account that is not known could be any. With
 * accounts of their own two instances are separated by the database server.
 */
function sharing(place: ServerPlace, columns: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`select ${columns} from service_instances other
    where other.deleted_at is null and other.id <> ${place.instanceId}
      and exists (
        select from jsonb_to_recordset(${JSON.stringify(place.agents)}::jsonb) as own ("agentId" text, host text, port integer)
          join agents mine on mine.id = own."agentId"
          join instance_agents used on used.instance_id = other.id and lower(used.host) = lower(own.host)
            and (used.port = own.port or 0 in (used.port, own.port))
          join agents theirs on theirs.id = used.agent_id
        where theirs.id = mine.id or rtrim(lower(theirs.url), '/') = rtrim(lower(mine.url), '/'))
      and (other.database_username is null or ${place.username}::text is null
        or other.database_username = ${place.username} or other.backup_username = ${place.privilegedUsername})`
}

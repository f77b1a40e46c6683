import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

/** Where and as whom the databases of an instance are reached. */
export interface ServerPlace {
  instanceId: string
  agentId: string
  /** Normalized. */
  agentUrl: string
  host: string
  /** 0: none is known. */
  port: number
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
  return sql`select ${columns} from service_instances other join agents on agents.id = other.agent_id
    where other.deleted_at is null and other.id <> ${place.instanceId}
      and (agents.id = ${place.agentId} or rtrim(lower(agents.url), '/') = ${place.agentUrl})
      and lower(other.backup_host) = lower(${place.host})
      and (other.backup_port = ${place.port} or 0 in (other.backup_port, ${place.port}))
      and (other.database_username is null or ${place.username}::text is null
        or other.database_username = ${place.username} or other.backup_username = ${place.privilegedUsername})`
}

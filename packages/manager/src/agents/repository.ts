import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { contains, isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { AgentTable } from '../database/tables/instances.ts'
import type { InTransaction } from '../database/transaction.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Agent, AgentHealth } from './agent.ts'

const purposeOfPassword = (id: string) => purposeOf('agents', 'sealed_password', id)
/** How often each agent is checked. */
const CHECK_INTERVAL_SECONDS = 30
/** Any fixed number: the name of the lock. */
const ASSIGNMENT_LOCK = 4_711_208_019

function fromRow({ sealer }: RepositoryContext, row: Selectable<AgentTable>): Agent {
  return {
    id: row.id,
    version: row.version,
    name: row.name ?? undefined,
    label: row.label ?? undefined,
    url: row.url,
    username: row.username,
    password: sealer.openOptional(row.sealed_password, purposeOfPassword(row.id)),
    isImplicit: row.implicit,
    createdAt: row.created_at,
    certificateExpiresAt: row.certificate_expires_at ?? undefined,
    health: {
      isReachable: row.reachable ?? undefined,
      error: row.error ?? undefined,
      agentVersion: row.agent_version ?? undefined,
      capabilities: row.capabilities,
      packs: row.packs,
      startProblem: row.start_problem ?? undefined,
      skewSeconds: row.skew_seconds ?? undefined,
      disks: row.disks,
      lastSeenAt: row.last_seen_at ?? undefined,
      lastCheckedAt: row.last_checked_at ?? undefined,
    },
  }
}

function settingColumns({ sealer }: RepositoryContext, agent: Agent) {
  return {
    name: agent.name ?? null,
    label: agent.label ?? null,
    url: agent.url,
    username: agent.username,
    sealed_password: sealer.sealOptional(agent.password, purposeOfPassword(agent.id)),
    implicit: agent.isImplicit,
  }
}

/**
 * Serializes, until the end of the transaction, whatever assigns agents to instances or deletes agents, in all managers:
 * concurrent registrations register an agent once, and no agent is deleted while an instance is assigned to it. A unique
 * index could not do that: agents at one URL may differ in their password alone, and passwords are sealed.
 */
export async function lockAgentAssignments({ database }: InTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(${ASSIGNMENT_LOCK})`.execute(database)
}

/** The agent, unless it was deleted. */
export async function findAgent(context: RepositoryContext, id: string): Promise<Agent | undefined> {
  const row = await context.database
    .selectFrom('agents')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && fromRow(context, row)
}

/** The agents at a URL. */
export async function agentsAt(context: RepositoryContext, url: string): Promise<Agent[]> {
  const rows = await context.database
    .selectFrom('agents')
    .selectAll()
    .where('url', '=', url)
    .where('deleted_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => fromRow(context, row))
}

/** What a list of agents is filtered by. */
export interface AgentSearch {
  /** Agents of these instances. */
  scope: Grants
  /** Also agents that no instance uses. */
  includesUnused: boolean
  isReachable?: boolean | null | undefined
  /** In their name or URL. */
  text?: string | undefined
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

const usedBy = (scope: Grants) => sql<boolean>`exists (
  select from service_instances where agent_id = agents.id and service_instances.deleted_at is null
    and ${isGranted('service_instances.id', scope)})`

/** One page of agents, newest first. */
export async function searchAgents(
  context: RepositoryContext,
  { scope, includesUnused, isReachable, text }: AgentSearch,
  page: KeysetRequest,
): Promise<KeysetPage<Agent>> {
  let query = context.database.selectFrom('agents').selectAll().where('deleted_at', 'is', null)
  if (scope !== 'all') {
    query = query.where(({ or, not }) => or([usedBy(scope), ...(includesUnused ? [not(usedBy('all'))] : [])]))
  }
  if (isReachable !== undefined) query = query.where('reachable', 'is', isReachable)
  if (text !== undefined) query = query.where(({ or }) => or([contains('name', text), contains('url', text)]))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => fromRow(context, row)), ...rest }
}

export async function insertAgent(context: RepositoryContext, agent: Agent): Promise<void> {
  await context.database
    .insertInto('agents')
    .values({ id: agent.id, ...settingColumns(context, agent), created_at: agent.createdAt })
    .execute()
}

/**
 * Replaces the settings of an agent; its health is unknown then.
 *
 * @param edited - The version to replace, if that matters.
 * @returns The new version; undefined if another version than `edited` is stored, or it was deleted.
 */
export async function updateAgent(
  context: RepositoryContext,
  agent: Agent,
  edited: number | undefined,
): Promise<number | undefined> {
  let update = context.database
    .updateTable('agents')
    .set({ ...settingColumns(context, agent), reachable: null, error: null, start_problem: null, check_at: sql`now()` })
    .set({ skew_seconds: null, disks: '[]' })
    .set({ version: sql`version + 1` })
    .where('id', '=', agent.id)
    .where('deleted_at', 'is', null)
  if (edited !== undefined) update = update.where('version', '=', edited)
  return (await update.returning('version').executeTakeFirst())?.version
}

/**
 * Marks an agent as deleted and erases its password; deleted instances still refer to the row.
 *
 * @returns Whether it was deleted; false: a part of a job works at it, and it is needed to find out how that ends.
 */
export async function markAgentDeleted({ database }: RepositoryContext, id: string, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('agents')
    .set({ deleted_at: now, sealed_password: null, enrolment_token_hash: null })
    .set({ certificate: null, next_certificate: null, certificate_expires_at: null })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('job_parts')
            .select('job_parts.job_id')
            .whereRef('job_parts.agent_id', '=', 'agents.id')
            .where('job_parts.reserved_at', 'is not', null)
            .where('job_parts.ended_at', 'is', null),
        ),
      ),
    )
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * Claims agents whose check is due, so that no other manager checks them at the same time. By the database's clock.
 *
 * @returns At most `limit`.
 */
export async function claimAgentChecks(context: RepositoryContext, limit: number): Promise<Agent[]> {
  const due = context.database
    .selectFrom('agents')
    .select('id')
    .where('deleted_at', 'is', null)
    .where('check_at', '<=', sql<Date>`now()`)
    .orderBy('check_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
  const rows = await context.database
    .updateTable('agents')
    .set({ check_at: sql`now() + make_interval(secs => ${CHECK_INTERVAL_SECONDS})` })
    .where('id', 'in', due)
    .returningAll()
    .execute()
  return rows.map((row) => fromRow(context, row))
}

/** Has agents checked now that would be checked later than after an interval. Returns how many. */
export async function capAgentChecks({ database }: { database: Database }): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update agents set check_at = now()
    where deleted_at is null and check_at > now() + make_interval(secs => ${CHECK_INTERVAL_SECONDS})`.execute(database)
  return Number(numAffectedRows)
}

/** Records what a check found, unless the settings of the agent were changed since. */
export async function recordHealth(
  { database }: { database: Database },
  { id, version }: Pick<Agent, 'id' | 'version'>,
  health: AgentHealth,
): Promise<void> {
  await database
    .updateTable('agents')
    .set({
      reachable: health.isReachable ?? null,
      error: health.error ?? null,
      agent_version: health.agentVersion ?? null,
      capabilities: JSON.stringify(health.capabilities),
      packs: JSON.stringify(health.packs),
      start_problem: health.startProblem ?? null,
      skew_seconds: health.skewSeconds ?? null,
      disks: JSON.stringify(health.disks),
      last_seen_at: health.lastSeenAt ?? null,
      last_checked_at: health.lastCheckedAt ?? null,
    })
    .where('id', '=', id)
    .where('version', '=', version)
    .execute()
}

/** How many agents are reachable, are not, and were never asked. */
export async function countAgents(
  { database }: { database: Database },
  scope: Grants,
): Promise<{ reachable: number; unreachable: number; unknown: number }> {
  let query = database.selectFrom('agents').where('deleted_at', 'is', null)
  if (scope !== 'all') query = query.where(usedBy(scope))
  const row = await query
    .select([
      sql<string>`count(*) filter (where reachable)`.as('reachable'),
      sql<string>`count(*) filter (where not reachable)`.as('unreachable'),
      sql<string>`count(*) filter (where reachable is null)`.as('unknown'),
    ])
    .executeTakeFirstOrThrow()
  return { reachable: Number(row.reachable), unreachable: Number(row.unreachable), unknown: Number(row.unknown) }
}

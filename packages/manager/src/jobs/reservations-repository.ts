import type { RunKind } from '@osb-backup/core'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import { type InTransaction, isUniqueViolation } from '../database/transaction.ts'
import { invariant } from '../shared/invariant.ts'
import type { BegunPart, Blocker } from './job.ts'

/** The unique indexes that keep two parts off one database. */
const reservationIndexes = ['job_parts_reservation_1', 'job_parts_reservation_2', 'job_parts_reservation_3']

const isSameDatabase = (one: RawBuilder<unknown>, other: RawBuilder<unknown>) => sql`
  ${one}.database = ${other}.database and (
    ${one}.instance_id = ${other}.instance_id
    or ((${one}.agent_id = ${other}.agent_id or ${one}.agent_url = ${other}.agent_url)
      and ${one}.host = ${other}.host and ${one}.port = ${other}.port)
  )`

const part = sql.ref('part')
const other = sql.ref('other')

/**
 * What keeps `part`, a row of `open_parts`, from beginning: a part that works on its database; or a restore into it, which
 * comes before backups and later restores, so that a backup contains what was restored before it was requested.
 */
const blockersOfPart = sql`
  select other.job_id, other.kind, other.reserved from open_parts other
  where ${isSameDatabase(other, part)} and (other.job_id, other.position) <> (part.job_id, part.position)
    and (
      other.reserved
      or (other.kind = 'restore' and other.job_id <> part.job_id
        and (part.kind = 'backup' or other.queue_number < part.queue_number))
    )
  order by other.reserved desc, other.queue_number`

/**
 * Whether a worker can do something about `part`: follow it, or begin it. While the outcome of a part is unknown no other
 * part of its job begins, since it may still run.
 */
const isWorkable = sql`
  part.status <> 'UNKNOWN' and (
    part.reserved
    or (
      not exists (select from job_parts u where u.job_id = part.job_id and u.status = 'UNKNOWN' and u.ended_at is null)
      and not exists (${blockersOfPart})
    )
  )`

/** Whether a worker can do something about a job. */
export const isWorkableJob = (jobId: RawBuilder<unknown>) => sql<boolean>`
  exists (select from open_parts part where part.job_id = ${jobId} and ${isWorkable})`

/** Whether a part of a job works at its agent, as far as is known. */
export const isWorkingJob = (jobId: RawBuilder<unknown>) => sql<boolean>`
  exists (select from open_parts part where part.job_id = ${jobId} and part.reserved and part.status <> 'UNKNOWN')`

/** How many parts of a job work at its agent, as far as is known. */
export const countWorkingParts = (jobId: RawBuilder<unknown>) => sql<number>`
  (select count(*)::integer from open_parts part where part.job_id = ${jobId} and part.reserved and part.status <> 'UNKNOWN')`

/** A part that a worker can follow or begin. */
export interface WorkablePart {
  position: number
  /** Set: it has begun, and is followed. */
  reservedAt: Date | null
}

/**
 * The next part of a job that a worker can do something about: first those that have begun.
 *
 * @param except - The positions of parts that are being worked on.
 */
export async function findWorkablePart(
  { database }: InTransaction,
  jobId: string,
  except: readonly number[],
): Promise<WorkablePart | undefined> {
  const { rows } = await sql<WorkablePart>`
    select part.position, part.reserved_at as "reservedAt" from open_parts part
    where part.job_id = ${jobId} and part.position <> all(${except}::integer[]) and ${isWorkable}
    order by part.reserved desc, part.position
    limit 1`.execute(database)
  return rows[0]
}

/**
 * Reserves the database of a part that has not begun, until the part has ended.
 *
 * @returns When, by the database's clock.
 * @throws {DatabaseError} If another part has reserved it meanwhile; see `isReservationConflict`.
 */
export async function reserveDatabase({ database }: InTransaction, jobId: string, position: number): Promise<Date> {
  const { rows } = await sql<{ reserved_at: Date }>`
    update job_parts reserving
    set reserved_at = date_trunc('milliseconds', clock_timestamp()), instance_id = part.instance_id, agent_id = part.agent_id, agent_url = part.agent_url,
      host = part.host, port = part.port
    from open_parts part
    where reserving.job_id = ${jobId} and reserving.position = ${position} and reserving.reserved_at is null
      and part.job_id = reserving.job_id and part.position = reserving.position
    returning reserving.reserved_at`.execute(database)
  const [row] = rows
  invariant(row, `part ${position} of job ${jobId} is open and has not begun`)
  return row.reserved_at
}

/** Whether a statement failed because another part has reserved the database. */
export function isReservationConflict(error: unknown): boolean {
  return reservationIndexes.some((index) => isUniqueViolation(error, index))
}

/** Reads what is recorded of a part that has begun. */
export async function readBegunPart(
  { database }: { database: Database },
  jobId: string,
  position: number,
): Promise<BegunPart> {
  const row = await database
    .selectFrom('job_parts')
    .select(['status', 'may_have_started', 'accepted', 'agent_status', 'reserved_at'])
    .select(['agent_id', 'agent_url', 'host', 'port', 'unreachable_since', 'busy_since'])
    .where('job_id', '=', jobId)
    .where('position', '=', position)
    .executeTakeFirstOrThrow()
  const { agent_id: agentId, agent_url: agentUrl, host, port, reserved_at: begunAt } = row
  invariant(begunAt && agentId !== null && agentUrl !== null && host !== null && port !== null, 'the part has begun')
  return {
    position,
    begunAt,
    place: { agentId, agentUrl, host, port },
    mayHaveStarted: row.may_have_started,
    isAccepted: row.accepted,
    wasUnknown: !row.accepted && row.status !== 'STARTED',
    hasSetbacks: row.unreachable_since !== null || row.busy_since !== null,
    agentStatus: row.agent_status ?? undefined,
  }
}

interface BlockerRow {
  job_id: string
  kind: RunKind
  reserved: boolean
}

const fromRow = ({ job_id, kind, reserved }: BlockerRow): Blocker => ({ jobId: job_id, kind, isWorking: reserved })

/** What keeps parts of these jobs from beginning, by job and position. */
export async function blockersOfJobs(
  { database }: { database: Database },
  jobIds: readonly string[],
): Promise<Map<string, Map<number, Blocker>>> {
  const found = new Map<string, Map<number, Blocker>>()
  if (jobIds.length === 0) return found
  const { rows } = await sql<BlockerRow & { waiting_job_id: string; position: number }>`
    select part.job_id as waiting_job_id, part.position, blocker.*
    from open_parts part cross join lateral (${blockersOfPart} limit 1) blocker
    where part.job_id = any(${jobIds}) and not part.reserved`.execute(database)
  for (const row of rows) {
    const ofJob = found.get(row.waiting_job_id) ?? new Map<number, Blocker>()
    found.set(row.waiting_job_id, ofJob.set(row.position, fromRow(row)))
  }
  return found
}

/**
 * The jobs of scheduled runs that were due longer ago than a grace period, with parts that wait for other jobs.
 *
 * @returns Their ids, at most `limit`.
 */
export async function listOverdueRuns(
  { database }: { database: Database },
  graceSeconds: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from jobs
    where ended_at is null and kind = 'backup' and due_at < now() - make_interval(secs => ${graceSeconds})
      and exists (
        select from open_parts part where part.job_id = jobs.id and not part.reserved and exists (${blockersOfPart})
      )
    limit ${limit}`.execute(database)
  return rows.map((row) => row.id)
}

/** What works on databases of an instance, or is going to restore into them; with the database of each. */
export async function findBlockers(
  { database }: { database: Database },
  instanceId: string,
  databases: readonly string[],
): Promise<(Blocker & { database: string; instanceId: string })[]> {
  const { rows } = await sql<BlockerRow & { database: string; instance_id: string }>`
    select other.job_id, other.kind, other.reserved, other.database, other.instance_id
    from (
      select i.id as instance_id, i.agent_id, rtrim(lower(a.url), '/') as agent_url, i.backup_host as host,
        i.backup_port as port, wanted.database
      from service_instances i
        join agents a on a.id = i.agent_id
        cross join unnest(${databases}::text[]) as wanted (database)
      where i.id = ${instanceId}
    ) part
      join open_parts other on ${isSameDatabase(other, part)}
    where other.reserved or other.kind = 'restore'
    order by other.reserved desc, other.queue_number, other.position`.execute(database)
  return rows.map((row) => ({ ...fromRow(row), database: row.database, instanceId: row.instance_id }))
}

/** A job that works, or may work, on a database of an instance. */
export async function findWorkingJob(
  { database }: { database: Database },
  instanceId: string,
): Promise<string | undefined> {
  const row = await database
    .selectFrom('job_parts')
    .select('job_id')
    .where('instance_id', '=', instanceId)
    .where('reserved_at', 'is not', null)
    .where('ended_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row?.job_id
}

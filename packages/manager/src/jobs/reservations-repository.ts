import type { RunKind } from '@osb-backup/core'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import { type InTransaction, isViolationOf } from '../database/transaction.ts'
import type { AgentPlace } from '../instances/instance.ts'
import { invariant } from '../shared/invariant.ts'
import type { BegunPart, Blocker, ReservedPlace } from './job.ts'

/** The unique indexes that keep two parts off one database. */
const reservationIndexes = ['job_parts_reservation_1', 'job_parts_reservation_2', 'job_parts_reservation_3']

const isSamePlace = sql`
  other.database = w.database and other.host = w.host and other.port = w.port
    and (other.agent_id = w.agent_id or other.agent_url = w.agent_url)`
const comesFirst = sql`(w.kind = 'backup' or other.queue_number < w.queue_number)`

/** The first of the restores that wait for the same database: what it does not keep from beginning, no later one does. */
const firstRestores = (place: RawBuilder<unknown>) =>
  sql`select distinct on (${place}) * from restoring order by ${place}, queue_number, job_id`

/** The parts that have not begun. */
const waitingParts = sql`select * from open_parts where not reserved`

/**
 * What keeps parts from beginning: a part that works on the same database; or a restore into it, which comes before backups and
 * later restores, so that a backup contains what was restored before it was requested. `workableParts` follows the same rule.
 *
 * @param waiting - Rows of `open_parts` that have not begun.
 */
const blockersOf = (waiting: RawBuilder<unknown>) => sql`(
  with waiting as materialized (${waiting}),
    working as materialized (
      select p.*, j.kind, j.queue_number from job_parts p join jobs j on j.id = p.job_id
      where p.reserved_at is not null and p.ended_at is null
    ),
    restoring as materialized (${waitingParts} and kind = 'restore'),
    first_of_instance as materialized (${firstRestores(sql`database, instance_id`)}),
    first_at_agent as materialized (${firstRestores(sql`database, host, port, agent_id`)}),
    first_at_url as materialized (${firstRestores(sql`database, host, port, agent_url`)})
  select w.job_id as waiting_job_id, w.position, other.job_id, other.kind, true as reserved, other.queue_number
  from waiting w join working other on other.database = w.database and other.instance_id = w.instance_id
  union all
  select w.job_id, w.position, other.job_id, other.kind, true, other.queue_number
  from waiting w join working other on ${isSamePlace}
  union all
  select w.job_id, w.position, other.job_id, other.kind, false, other.queue_number
  from waiting w join first_of_instance other
    on other.database = w.database and other.instance_id = w.instance_id and ${comesFirst}
  union all
  select w.job_id, w.position, other.job_id, other.kind, false, other.queue_number
  from waiting w join first_at_agent other
    on (other.database, other.host, other.port, other.agent_id) = (w.database, w.host, w.port, w.agent_id) and ${comesFirst}
  union all
  select w.job_id, w.position, other.job_id, other.kind, false, other.queue_number
  from waiting w join first_at_url other
    on (other.database, other.host, other.port, other.agent_url) = (w.database, w.host, w.port, w.agent_url) and ${comesFirst}
)`

/**
 * The parts that a worker can do something about: those that it follows, and those that nothing keeps from beginning. While the
 * outcome of a part is unknown no other part of its job begins, since it may still run. Windows over the parts of each database,
 * and no joins, keep the cost of thousands of waiting jobs low whatever the planner estimates.
 *
 * @param parts - Rows of `open_parts`: all of the databases that matter, and of the jobs.
 */
const workableParts = (parts: RawBuilder<unknown>) => sql`(
  select job_id, position, reserved_at from (
    select job_id, position, status, reserved, reserved_at, kind, queue_number,
      bool_or(status = 'UNKNOWN') over of_job as of_unknown_job,
      bool_or(reserved) over of_instance or bool_or(reserved) over at_agent or bool_or(reserved) over at_url as is_busy,
      least(
        min(queue_number) filter (where kind = 'restore') over of_instance,
        min(queue_number) filter (where kind = 'restore') over at_agent,
        min(queue_number) filter (where kind = 'restore') over at_url
      ) as first_restore
    from (${parts}) part
    window of_job as (partition by job_id),
      of_instance as (partition by database, instance_id),
      at_agent as (partition by database, host, port, agent_id),
      at_url as (partition by database, host, port, agent_url)
  ) judged
  where status <> 'UNKNOWN' and (
    reserved
    or (not of_unknown_job and not is_busy
      and (first_restore is null or (kind = 'restore' and first_restore >= queue_number)))
  )
)`

/** The ids of the jobs that a worker can do something about. */
export const workableJobs = sql`(select distinct job_id from ${workableParts(sql`select * from open_parts`)} part)`

/** How many parts of a job work at its agent, as far as is known. */
export const countWorkingParts = (jobId: RawBuilder<unknown>) => sql<number>`(
  select count(*)::integer from job_parts
  where job_id = ${jobId} and reserved_at is not null and ended_at is null and status <> 'UNKNOWN'
)`

/** A part that a worker can follow or begin. */
export interface WorkablePart {
  position: number
  /** Set: it has begun, and is followed. */
  reservedAt: Date | null
}

const ofSameDatabases = (jobId: string) => sql`
  select * from open_parts
  where database in (select database from job_parts where job_id = ${jobId} and ended_at is null)`

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
    select position, reserved_at as "reservedAt" from ${workableParts(ofSameDatabases(jobId))} part
    where job_id = ${jobId} and position <> all(${except}::integer[])
    order by reserved_at is null, position
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

/**
 * Moves the reservation of a part to another agent of its instance, as long as no request to start it was sent. The caller has locked the
 * job's row.
 *
 * @returns The place that it has now; undefined: it may have been started.
 * @throws {DatabaseError} If another part has reserved the database there; see `isReservationConflict`.
 */
export async function moveReservation(
  { database }: InTransaction,
  jobId: string,
  position: number,
  { agentId, host, port }: AgentPlace,
): Promise<ReservedPlace | undefined> {
  const { rows } = await sql<ReservedPlace>`
    update job_parts part
    set agent_id = agents.id, agent_url = rtrim(lower(agents.url), '/'), host = ${host}, port = ${port}
    from agents
    where part.job_id = ${jobId} and part.position = ${position} and agents.id = ${agentId}
      and part.reserved_at is not null and part.ended_at is null and not part.may_have_started and not part.accepted
    returning part.agent_id as "agentId", part.agent_url as "agentUrl", part.host, part.port`.execute(database)
  return rows[0]
}

/** Whether a statement failed because another part has reserved the database. */
export function isReservationConflict(error: unknown): boolean {
  return reservationIndexes.some((index) => isViolationOf(error, index))
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
    select distinct on (waiting_job_id, position) * from ${blockersOf(sql`${waitingParts} and job_id = any(${jobIds})`)} blocker
    order by waiting_job_id, position, reserved desc, queue_number`.execute(database)
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
  const overdue = sql`
    select id from jobs
    where ended_at is null and kind = 'backup' and due_at < now() - make_interval(secs => ${graceSeconds})`
  const { rows } = await sql<{ id: string }>`
    select distinct waiting_job_id as id from ${blockersOf(sql`${waitingParts} and job_id in (${overdue})`)} blocker
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
    ) w
      join open_parts other on (other.database = w.database and other.instance_id = w.instance_id) or (${isSamePlace})
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

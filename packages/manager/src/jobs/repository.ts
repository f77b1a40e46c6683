import { type Selectable, sql, type Transaction } from 'kysely'
import type { Context } from '../context/context.ts'
import { announceJobChange } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import type { JobPartTable, JobTable, Tables } from '../database/schema.ts'
import type { PageRequest } from '../http/legacy/paging.ts'
import { sealedColumns } from '../secrets/sealed-columns.ts'
import { type JobFilter, placeOf } from './counters-repository.ts'
import type { Job, JobPart } from './job.ts'

type Reach = Pick<Context, 'database' | 'sealer'>

const purpose = sealedColumns.jobs.sealed_private_key
const MOST_ROWS = 5000

function partFromRow(row: Selectable<JobPartTable>): JobPart {
  return {
    position: row.position,
    item: row.item,
    database: row.database,
    status: row.status,
    restorePointId: row.restore_point_id ?? undefined,
    filename: row.filename ?? undefined,
    accepted: row.accepted,
    report: row.report ?? undefined,
    error: row.error ?? undefined,
  }
}

function jobFromRow({ sealer }: Reach, row: Selectable<JobTable>, parts: JobPart[]): Job {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    instanceId: row.instance_id,
    planId: row.plan_id ?? undefined,
    destinationId: row.destination_id,
    sourceJobId: row.source_job_id ?? undefined,
    compression: row.compression,
    compressor: { algorithm: row.compression_algorithm, level: row.compression_level ?? undefined },
    publicKey: row.public_key ?? undefined,
    privateKey: sealer.openOptional(row.sealed_private_key, purpose),
    parameters: row.parameters,
    dueAt: row.due_at ?? undefined,
    late: row.late,
    startedAt: row.started_at,
    endedAt: row.ended_at ?? undefined,
    cancelled: row.cancelled_at === null ? undefined : { at: row.cancelled_at, by: row.cancelled_by ?? '' },
    parts,
  }
}

async function withParts(reach: Reach, rows: Selectable<JobTable>[]): Promise<Job[]> {
  if (rows.length === 0) return []
  const parts = await reach.database
    .selectFrom('job_parts')
    .selectAll()
    .where(
      'job_id',
      'in',
      rows.map((row) => row.id),
    )
    .orderBy('position')
    .execute()
  const byJob = Map.groupBy(parts, (part) => part.job_id)
  return rows.map((row) => jobFromRow(reach, row, (byJob.get(row.id) ?? []).map(partFromRow)))
}

export async function findJob(reach: Reach, id: string): Promise<Job | undefined> {
  const rows = await reach.database.selectFrom('jobs').selectAll().where('id', '=', id).execute()
  return (await withParts(reach, rows))[0]
}

const sortColumns: Record<string, 'started_at' | 'ended_at' | 'status'> = {
  startDate: 'started_at',
  endDate: 'ended_at',
  status: 'status',
}

/** One page of an instance's jobs, newest first unless told otherwise. */
export async function listJobs(
  reach: Reach,
  which: JobFilter,
  page: PageRequest,
): Promise<{ entries: Job[]; total: number }> {
  const column = sortColumns[page.sort?.property ?? ''] ?? 'started_at'
  const direction = page.sort === undefined || page.sort.descending ? 'desc' : 'asc'
  const offset = page.number * page.size
  const place = await placeOf(reach, which, offset, direction)
  if (place.day === undefined) return { entries: [], total: place.total }
  let query = reach.database
    .selectFrom('jobs')
    .selectAll()
    .where('instance_id', '=', which.instanceId)
    .where('kind', '=', which.kind)
    .orderBy(column, direction)
    .orderBy('id', direction)
    .limit(page.size)
  if (which.status !== undefined) query = query.where('status', '=', which.status)
  if (column === 'started_at') query = query.where(startsWithin(place.day, direction)).offset(place.skipped)
  // By another column nothing but skipping leads to a page.
  else query = query.offset(offset)
  return { entries: await withParts(reach, await query.execute()), total: place.total }
}

/** That a job is of a day in UTC, or lies behind it in a list. */
function startsWithin(day: string, direction: 'asc' | 'desc') {
  return direction === 'asc'
    ? sql<boolean>`started_at >= ${day}::date::timestamp at time zone 'UTC'`
    : sql<boolean>`started_at < (${day}::date + 1)::timestamp at time zone 'UTC'`
}

/** Writes new jobs with their parts. */
export async function insertJobs(
  { sealer }: Pick<Reach, 'sealer'>,
  transaction: Transaction<Tables>,
  jobs: readonly Job[],
): Promise<void> {
  if (jobs.length === 0) return
  const rows = jobs.map((job) => ({
    id: job.id,
    kind: job.kind,
    status: job.status,
    instance_id: job.instanceId,
    plan_id: job.planId ?? null,
    destination_id: job.destinationId,
    source_job_id: job.sourceJobId ?? null,
    compression: job.compression,
    compression_algorithm: job.compressor.algorithm,
    compression_level: job.compressor.level ?? null,
    public_key: job.publicKey ?? null,
    sealed_private_key: sealer.sealOptional(job.privateKey, purpose),
    parameters: JSON.stringify(job.parameters),
    due_at: job.dueAt ?? null,
    late: job.late,
    started_at: job.startedAt,
    ended_at: null,
    driver_id: null,
    cancelled_at: null,
    cancelled_by: null,
  }))
  const parts = jobs.flatMap((job) =>
    job.parts.map((part) => ({
      job_id: job.id,
      position: part.position,
      item: part.item,
      database: part.database,
      status: part.status,
      restore_point_id: part.restorePointId ?? null,
      filename: part.filename ?? null,
      error: null,
      ended_at: null,
    })),
  )
  await transaction.insertInto('jobs').values(rows).execute()
  // PostgreSQL takes 65,535 parameters in a statement.
  for (const some of chunks(parts, MOST_ROWS)) await transaction.insertInto('job_parts').values(some).execute()
  for (const { id } of jobs) await announceJobChange(transaction, id)
}

function chunks<T>(values: readonly T[], size: number): T[][] {
  const count = Math.ceil(values.length / size)
  return Array.from({ length: count }, (_, index) => values.slice(index * size, (index + 1) * size))
}

/** The backup jobs that wait or run, by plan. */
export async function openJobsOfPlans(database: Database, planIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await database
    .selectFrom('jobs')
    .select(['id', 'plan_id'])
    .where('plan_id', 'in', planIds)
    .where('kind', '=', 'backup')
    .where('ended_at', 'is', null)
    .execute()
  return new Map(rows.flatMap(({ id, plan_id }) => (plan_id === null ? [] : [[plan_id, id] as const])))
}

/** Deletes jobs that are over; restore points and files stay. */
export async function deleteJobs(
  { database }: Pick<Context, 'database'>,
  which: { id: string } | { instanceId: string },
): Promise<void> {
  const [column, value] = 'id' in which ? (['id', which.id] as const) : (['instance_id', which.instanceId] as const)
  await database.deleteFrom('jobs').where(column, '=', value).where('ended_at', 'is not', null).execute()
}

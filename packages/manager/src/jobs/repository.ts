import { activeTraceparent } from '@osb-backup/node/tracing'
import { type Insertable, type Selectable, sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import { notifyJobChange } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import type { JobTable } from '../database/tables/jobs.ts'
import type { InTransaction } from '../database/transaction.ts'
import { dropRetries, nextAttemptsOf } from '../plans/retries-repository.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import { invariant } from '../shared/invariant.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { linkNextAttempt } from './attempts-repository.ts'
import { locateOffset } from './counters-repository.ts'
import { type DrillRecord, findDrills, insertDrills } from './drills-repository.ts'
import {
  type Blocker,
  type DrillPart,
  isAtAgent,
  type Job,
  type JobAtAgent,
  type JobFilter,
  type VerifyPart,
} from './job.ts'
import { findParts, insertParts, type PartRow } from './parts-repository.ts'
import { blockersOfJobs } from './reservations-repository.ts'

const purposeOfKey = (id: string) => purposeOf('jobs', 'sealed_private_key', id)
const purposeOfParameters = (id: string) => purposeOf('jobs', 'sealed_parameters', id)

interface JobRows {
  row: Selectable<JobTable>
  parts: PartRow[]
  blockers: ReadonlyMap<number, Blocker> | undefined
  nextAttemptAt: Date | undefined
  drill: DrillRecord | undefined
}

function fromRow({ sealer }: RepositoryContext, { row, parts, blockers, nextAttemptAt, drill }: JobRows): Job {
  const partFields = (part: PartRow) => ({ ...fieldsOf(part), waitingFor: blockers?.get(part.position) })
  const fields = {
    id: row.id,
    status: row.status,
    instanceId: row.instance_id,
    planId: row.plan_id,
    destinationId: row.destination_id,
    startedAt: row.started_at,
    beganAt: row.began_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    cancelled: row.cancelled_at === null ? undefined : { at: row.cancelled_at, by: row.cancelled_by ?? '' },
  }
  if (row.kind === 'restore') {
    invariant(row.source_job_id, `restore job ${row.id} has a source`)
    const privateKey = sealer.openOptional(row.sealed_private_key, purposeOfKey(row.id))
    const restored = parts.map((part) => {
      invariant(part.restore_point_id, `part ${part.position} of restore job ${row.id} has a restore point`)
      return { ...partFields(part), database: part.database, restorePointId: part.restore_point_id }
    })
    const { source_job_id: sourceJobId } = row
    const drillId = row.drill_job_id ?? undefined
    const parameters = JSON.parse(sealer.openOptional(row.sealed_parameters, purposeOfParameters(row.id)) ?? '{}')
    return { ...fields, kind: 'restore', sourceJobId, drillId, privateKey, parameters, parts: restored }
  }
  if (row.kind === 'verify') {
    invariant(row.source_job_id, `verify job ${row.id} has a source`)
    const { source_job_id: sourceJobId, sample_percent } = row
    const samplePercent = sample_percent ?? undefined
    return { ...fields, kind: 'verify', sourceJobId, samplePercent, parts: parts.map(verifyPartFromRow) }
  }
  if (row.kind === 'drill') {
    invariant(drill, `drill job ${row.id} has a drill`)
    return { ...fields, kind: 'drill', drill: drill.drill, parts: parts.map((part) => drillPartFromRow(part, drill)) }
  }
  return {
    ...fields,
    kind: 'backup',
    compression: row.compression ?? false,
    compressor: { algorithm: row.compression_algorithm ?? 'zstd', level: row.compression_level ?? undefined },
    publicKey: row.public_key ?? undefined,
    dueAt: row.due_at ?? undefined,
    late: row.late,
    parallelItems: row.parallel_items,
    attempt: {
      number: row.attempt,
      firstId: row.first_attempt_id ?? undefined,
      previousId: row.previous_attempt_id ?? undefined,
      nextId: row.next_attempt_id ?? undefined,
      nextAt: nextAttemptAt,
    },
    parts: parts.map((part) => ({
      ...partFields(part),
      prefix: part.filename_prefix ?? undefined,
      filename: part.filename ?? undefined,
    })),
  }
}

function verifyPartFromRow(row: PartRow): VerifyPart {
  invariant(row.restore_point_id, `part ${row.position} of verify job ${row.job_id} has a restore point`)
  return {
    ...fieldsOf(row),
    waitingFor: undefined,
    restorePointId: row.restore_point_id,
    bytesRead: row.bytes_read === null ? undefined : Number(row.bytes_read),
    verified: row.verified_state ?? undefined,
  }
}

function drillPartFromRow(row: PartRow, { parts }: DrillRecord): DrillPart {
  const { takenAt, database, restoreJobId, verdict } = parts.get(row.position) ?? {}
  const restorePointId = row.restore_point_id ?? undefined
  return { ...fieldsOf(row), waitingFor: undefined, restorePointId, takenAt, database, restoreJobId, verdict }
}

function fieldsOf(row: PartRow) {
  return {
    position: row.position,
    item: row.item,
    status: row.status,
    accepted: row.accepted,
    agentStatus: row.agent_status ?? undefined,
    error: row.error ?? undefined,
    failureCode: row.failure_code ?? undefined,
    agentId: row.agent_id ?? undefined,
    lock: row.locked_since === null ? undefined : { since: row.locked_since, unlockAttempts: row.unlock_attempts ?? 0 },
  }
}

/**
 * Jobs with their parts.
 *
 * @param logs - Whether to include what their scripts printed, which may be megabytes.
 */
export async function withParts(
  context: RepositoryContext,
  rows: Selectable<JobTable>[],
  { logs }: { logs: boolean },
): Promise<Job[]> {
  const ids = rows.map((row) => row.id)
  const parts = await findParts(context, ids, { logs })
  const openIds = rows.filter((row) => row.ended_at === null).map((row) => row.id)
  const blockers = await blockersOfJobs(context, openIds)
  const nextAttempts = await nextAttemptsOf(context, ids)
  const drills = await findDrills(
    context,
    rows.filter((row) => row.kind === 'drill').map((row) => row.id),
  )
  return rows.map((row) =>
    fromRow(context, {
      row,
      parts: parts.get(row.id) ?? [],
      blockers: blockers.get(row.id),
      nextAttemptAt: nextAttempts.get(row.id),
      drill: drills.get(row.id),
    }),
  )
}

/** @param logs - Whether to include what its scripts printed. */
export async function findJob(
  context: RepositoryContext,
  id: string,
  { logs } = { logs: true },
): Promise<Job | undefined> {
  const rows = await context.database.selectFrom('jobs').selectAll().where('id', '=', id).execute()
  return (await withParts(context, rows, { logs }))[0]
}

const sortColumns: Record<string, 'started_at' | 'ended_at' | 'status'> = {
  startDate: 'started_at',
  endDate: 'ended_at',
  status: 'status',
}

/** One page of an instance's jobs, newest first unless requested otherwise. */
export async function listJobs(
  context: RepositoryContext,
  filter: JobFilter,
  page: PageRequest,
): Promise<PageOf<JobAtAgent>> {
  const column = sortColumns[page.sort?.property ?? ''] ?? 'started_at'
  const direction = page.sort === undefined || page.sort.descending ? 'desc' : 'asc'
  const offset = page.number * page.size
  const location = await locateOffset(context, filter, offset, direction)
  if (location.day === undefined) return { entries: [], total: location.total }
  let query = context.database
    .selectFrom('jobs')
    .selectAll()
    .where('instance_id', '=', filter.instanceId)
    .where('kind', '=', filter.kind)
    .orderBy(column, direction)
    .orderBy('id', direction)
    .limit(page.size)
  if (filter.status !== undefined) query = query.where('status', '=', filter.status)
  if (column === 'started_at') query = query.where(startsWithin(location.day, direction)).offset(location.skipped)
  // Sorted by another column, a page is found only by skipping those before it.
  else query = query.offset(offset)
  const jobs = await withParts(context, await query.execute(), { logs: false })
  return { entries: jobs.filter(isAtAgent), total: location.total }
}

/** That a job was started on a day in UTC, or follows those of that day in a list. */
function startsWithin(day: string, direction: 'asc' | 'desc') {
  return direction === 'asc'
    ? sql<boolean>`started_at >= ${day}::date::timestamp at time zone 'UTC'`
    : sql<boolean>`started_at < (${day}::date + 1)::timestamp at time zone 'UTC'`
}

/** Stores new jobs with their parts. A backup job takes the place of an attempt that its plan would have started later. */
export async function insertJobs(tx: RepositoryContext & InTransaction, jobs: readonly Job[]): Promise<void> {
  if (jobs.length === 0) return
  const traceparent = activeTraceparent() ?? null
  const rows = jobs.map((job) => ({ ...toRow(tx, job), traceparent }))
  await tx.database.insertInto('jobs').values(rows).execute()
  await insertParts(tx, jobs)
  await insertDrills(
    tx,
    jobs.filter((job) => job.kind === 'drill'),
  )
  const backups = jobs.filter((job) => job.kind === 'backup')
  await dropRetries(tx, [...new Set(backups.map((job) => job.planId))])
  for (const { id, attempt } of backups) {
    if (attempt.previousId !== undefined) await linkNextAttempt(tx, attempt.previousId, id)
  }
  for (const { id } of jobs) await notifyJobChange(tx, id)
}

function toRow({ sealer }: RepositoryContext, job: Job): Omit<Insertable<JobTable>, 'traceparent'> {
  const backup = job.kind === 'backup' ? job : undefined
  const restore = job.kind === 'restore' ? job : undefined
  return {
    id: job.id,
    kind: job.kind,
    status: job.status,
    instance_id: job.instanceId,
    plan_id: job.planId,
    destination_id: job.destinationId,
    source_job_id: job.kind === 'restore' || job.kind === 'verify' ? job.sourceJobId : null,
    drill_job_id: restore?.drillId ?? null,
    compression: backup?.compression ?? null,
    compression_algorithm: backup?.compressor.algorithm ?? null,
    compression_level: backup?.compressor.level ?? null,
    public_key: backup?.publicKey ?? null,
    sealed_private_key: sealer.sealOptional(restore?.privateKey, purposeOfKey(job.id)),
    sealed_parameters:
      restore === undefined ? null : sealer.seal(JSON.stringify(restore.parameters), purposeOfParameters(job.id)),
    sample_percent: job.kind === 'verify' ? (job.samplePercent ?? null) : null,
    due_at: backup?.dueAt ?? null,
    late: backup?.late ?? false,
    parallel_items: backup?.parallelItems ?? 1,
    attempt: backup?.attempt.number ?? 1,
    first_attempt_id: backup?.attempt.firstId ?? null,
    previous_attempt_id: backup?.attempt.previousId ?? null,
    started_at: job.startedAt,
    ended_at: null,
    locked_by: null,
    cancelled_at: null,
    cancelled_by: null,
  }
}

/** The plans whose jobs used a destination. */
export async function planIdsOfJobsIn({ database }: { database: Database }, destinationId: string): Promise<string[]> {
  const rows = await database
    .selectFrom('jobs')
    .select('plan_id')
    .distinct()
    .where('destination_id', '=', destinationId)
    .execute()
  return rows.map((row) => row.plan_id)
}

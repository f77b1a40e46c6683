import { isOver, jobStatusOf, type RunKind } from '@osb-backup/core'
import type { AgentJob, JobStatus } from '@osb-backup/protocol'
import type { Selectable, Transaction } from 'kysely'
import type { Context } from '../context.ts'
import type { Database } from '../database/open-database.ts'
import { readPage } from '../database/read-page.ts'
import type { JobPartTable, JobTable, Tables } from '../database/schema.ts'
import { announceJobChange } from '../events/job-changes.ts'
import type { PageRequest } from '../http/paging.ts'
import { sealedColumns } from '../secrets/sealed-columns.ts'
import type { Job, JobPart } from './job.ts'

type Reach = Pick<Context, 'database' | 'sealer'>

const purpose = sealedColumns.jobs.sealed_private_key

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
    publicKey: row.public_key ?? undefined,
    privateKey: sealer.openOptional(row.sealed_private_key, purpose),
    startedAt: row.started_at,
    endedAt: row.ended_at ?? undefined,
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
  which: { instanceId: string; kind: RunKind; status?: JobStatus | undefined },
  page: PageRequest,
): Promise<{ entries: Job[]; total: number }> {
  const column = sortColumns[page.sort?.property ?? ''] ?? 'started_at'
  const direction = page.sort === undefined || page.sort.descending ? 'desc' : 'asc'
  let query = reach.database
    .selectFrom('jobs')
    .selectAll()
    .where('instance_id', '=', which.instanceId)
    .where('kind', '=', which.kind)
    .orderBy(column, direction)
    .orderBy('id', direction)
  if (which.status !== undefined) query = query.where('status', '=', which.status)
  const { rows, total } = await readPage(query, page)
  return { entries: await withParts(reach, rows), total }
}

/** Writes a new job with its parts. */
export async function insertJob({ sealer }: Reach, transaction: Transaction<Tables>, job: Job): Promise<void> {
  await transaction
    .insertInto('jobs')
    .values({
      id: job.id,
      kind: job.kind,
      status: job.status,
      instance_id: job.instanceId,
      plan_id: job.planId ?? null,
      destination_id: job.destinationId,
      source_job_id: job.sourceJobId ?? null,
      compression: job.compression,
      public_key: job.publicKey ?? null,
      sealed_private_key: sealer.sealOptional(job.privateKey, purpose),
      started_at: job.startedAt,
      ended_at: null,
    })
    .execute()
  await transaction
    .insertInto('job_parts')
    .values(
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
    .execute()
  await announceJobChange(transaction, job.id)
}

/** What is recorded of a part as it runs. */
export interface PartProgress {
  status: JobStatus
  report?: AgentJob | undefined
  error?: string | undefined
  filename?: string | undefined
}

/**
 * Records how a part stands, and the job's state that follows from all its parts, in one transaction. A part that is
 * over stays as it is, so that a manager that lost its job cannot undo what its successor recorded.
 *
 * @param also - Written in the same transaction, and only if the part was not over.
 */
export async function recordPart(
  database: Database,
  jobId: string,
  position: number,
  progress: PartProgress,
  now: Date,
  also?: (transaction: Transaction<Tables>) => Promise<void>,
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    await transaction.selectFrom('jobs').select('id').where('id', '=', jobId).forUpdate().execute()
    const { numUpdatedRows } = await transaction
      .updateTable('job_parts')
      .set({
        status: progress.status,
        accepted: true,
        report: progress.report === undefined ? null : JSON.stringify(progress.report),
        error: progress.error ?? null,
        ended_at: isOver(progress.status) ? now : null,
        ...(progress.filename === undefined ? {} : { filename: progress.filename }),
      })
      .where('job_id', '=', jobId)
      .where('position', '=', position)
      .where('status', 'not in', ['SUCCEEDED', 'FAILED'])
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return
    await also?.(transaction)
    const parts = await transaction.selectFrom('job_parts').select('status').where('job_id', '=', jobId).execute()
    const status = jobStatusOf(parts.map((part) => part.status))
    await transaction
      .updateTable('jobs')
      .set({ status, ...(isOver(status) ? { ended_at: now, sealed_private_key: null } : {}) })
      .where('id', '=', jobId)
      .execute()
    await announceJobChange(transaction, jobId)
  })
}

/** Deletes jobs that are over; restore points and files stay. */
export async function deleteJobs(
  { database }: Pick<Context, 'database'>,
  which: { id: string } | { instanceId: string },
): Promise<void> {
  const [column, value] = 'id' in which ? (['id', which.id] as const) : (['instance_id', which.instanceId] as const)
  await database.deleteFrom('jobs').where(column, '=', value).where('status', 'in', ['SUCCEEDED', 'FAILED']).execute()
}

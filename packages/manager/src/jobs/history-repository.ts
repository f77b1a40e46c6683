import type { JobStatus } from '@osb-backup/protocol'
import type { InTransaction } from '../database/transaction.ts'

/** A backup job that ended elsewhere, or whose record was lost. */
export interface EndedJob {
  id: string
  instanceId: string
  planId: string
  destinationId: string
  compression: boolean
  publicKey: string | undefined
  startedAt: Date
  endedAt: Date
  status: Extract<JobStatus, 'SUCCEEDED' | 'FAILED'>
  parts: {
    item: string
    status: Extract<JobStatus, 'SUCCEEDED' | 'FAILED'>
    /** Of the object that it left. */
    object: { prefix: string; filename: string; sizeBytes: number } | undefined
    error: string | undefined
  }[]
}

/** Records a job that has ended. One that is recorded already stays as it is. */
export async function insertEndedJob({ database }: InTransaction, job: EndedJob): Promise<void> {
  const inserted = await database
    .insertInto('jobs')
    .values({
      id: job.id,
      kind: 'backup',
      status: job.status,
      instance_id: job.instanceId,
      plan_id: job.planId,
      destination_id: job.destinationId,
      source_job_id: null,
      compression: job.compression,
      compression_algorithm: null,
      compression_level: null,
      public_key: job.publicKey ?? null,
      sealed_private_key: null,
      sealed_parameters: null,
      sample_percent: null,
      due_at: null,
      late: false,
      parallel_items: 1,
      attempt: 1,
      first_attempt_id: null,
      previous_attempt_id: null,
      started_at: job.startedAt,
      began_at: job.startedAt,
      ended_at: job.endedAt,
      locked_by: null,
      cancelled_at: null,
      cancelled_by: null,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted === undefined || job.parts.length === 0) return
  const parts = job.parts.map(({ item, status, object, error }, position) => ({
    job_id: job.id,
    position,
    item,
    database: item,
    status,
    restore_point_id: null,
    filename_prefix: object?.prefix ?? null,
    filename: object?.filename ?? null,
    accepted: true,
    agent_status: JSON.stringify({
      status,
      state: 'finished',
      ...(object && { filename: object.filename, filesize: { size: object.sizeBytes, unit: 'byte' } }),
    }),
    error: error ?? null,
    ended_at: job.endedAt,
  }))
  await database.insertInto('job_parts').values(parts).execute()
}

/** Whether a job, or a restore point of it, is recorded for another plan than this one. */
export async function isJobOfOtherPlan(
  { database }: InTransaction,
  { id, planId }: Pick<EndedJob, 'id' | 'planId'>,
): Promise<boolean> {
  const job = await database
    .selectFrom('jobs')
    .select('id')
    .where('id', '=', id)
    .where('plan_id', '<>', planId)
    .executeTakeFirst()
  if (job !== undefined) return true
  const point = await database
    .selectFrom('restore_points')
    .select('id')
    .where('job_id', '=', id)
    .where('plan_id', '<>', planId)
    .executeTakeFirst()
  return point !== undefined
}

import type { Selectable, Transaction } from 'kysely'
import type { Context } from '../context/context.ts'
import { readPage } from '../database/read-page.ts'
import type { RestorePointTable, Tables } from '../database/schema.ts'
import type { PageRequest } from '../http/legacy/paging.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Removal, RestorePoint, VerificationState } from './restore-point.ts'

/** A restore point as its row says it. */
export function pointFromRow(row: Selectable<RestorePointTable>): RestorePoint {
  return {
    id: row.id,
    jobId: row.job_id,
    planId: row.plan_id,
    instanceId: row.instance_id,
    destinationId: row.destination_id,
    item: row.item,
    prefix: row.prefix,
    filename: row.filename,
    sizeBytes: Number(row.size_bytes),
    sha256: row.sha256 ?? undefined,
    originalSizeBytes: row.original_size_bytes === null ? undefined : Number(row.original_size_bytes),
    compression: row.compression,
    encrypted: row.encrypted,
    recipients: row.recipients?.split('\n') ?? [],
    takenAt: row.taken_at,
    afterFailure: row.after_failure,
    held: row.held,
    warnings: row.warnings,
    verification:
      row.verified_at && row.verified_state ? { at: row.verified_at, state: row.verified_state } : undefined,
    removal: removalFromRow(row),
  }
}

function removalFromRow(row: Selectable<RestorePointTable>): Removal | undefined {
  if (!row.removal_requested_at || !row.removal_reason || !row.next_removal_at) return undefined
  return {
    requestedAt: row.removal_requested_at,
    reason: row.removal_reason,
    attempts: row.removal_attempts,
    nextAttemptAt: row.next_removal_at,
    error: row.removal_error ?? undefined,
  }
}

/**
 * Records a restore point within the transaction that ends its part. Recording it again changes nothing. Points whose object
 * had the same name are gone: this one replaced it, or took the name when it was free.
 */
export async function insertRestorePoint(
  transaction: Transaction<Tables>,
  point: Omit<RestorePoint, 'held' | 'verification' | 'removal'>,
  now: Date,
): Promise<void> {
  await transaction
    .updateTable('restore_points')
    .set({ deleted_at: now })
    .where('plan_id', '=', point.planId)
    .where('destination_id', '=', point.destinationId)
    .where('filename', '=', point.filename)
    .where('job_id', '<>', point.jobId)
    .where('deleted_at', 'is', null)
    .execute()
  await transaction
    .insertInto('restore_points')
    .values({
      id: point.id,
      job_id: point.jobId,
      plan_id: point.planId,
      instance_id: point.instanceId,
      destination_id: point.destinationId,
      item: point.item,
      prefix: point.prefix,
      filename: point.filename,
      size_bytes: point.sizeBytes,
      sha256: point.sha256 ?? null,
      original_size_bytes: point.originalSizeBytes ?? null,
      compression: point.compression,
      encrypted: point.encrypted,
      recipients: point.recipients.length > 0 ? point.recipients.join('\n') : null,
      taken_at: point.takenAt,
      after_failure: point.afterFailure,
      warnings: JSON.stringify(point.warnings),
      verified_at: null,
      verified_state: null,
      removal_requested_at: null,
      removal_reason: null,
      next_removal_at: null,
      removal_error: null,
      deleted_at: null,
    })
    .onConflict((conflict) => conflict.constraint('restore_points_one_per_part').doNothing())
    .execute()
}

/** The restore points of one backup job whose objects are still there. */
export async function pointsOfJob({ database }: Pick<Context, 'database'>, jobId: string): Promise<RestorePoint[]> {
  const rows = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('deleted_at', 'is', null)
    .execute()
  return rows.map(pointFromRow)
}

export async function findPoint(
  { database }: Pick<Context, 'database'>,
  id: string,
): Promise<RestorePoint | undefined> {
  const row = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && pointFromRow(row)
}

/** Marks a restore point as gone, and takes its file off its job. Only after its object was removed. */
export async function markPointDeleted(
  { database }: Pick<Context, 'database'>,
  point: RestorePoint,
  now: Date,
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    await transaction.updateTable('restore_points').set({ deleted_at: now }).where('id', '=', point.id).execute()
    await transaction
      .updateTable('job_parts')
      .set({ filename: null })
      .where('job_id', '=', point.jobId)
      .where('item', '=', point.item)
      .execute()
  })
}

/** What a list of restore points is narrowed to. */
export interface PointFilter {
  instanceId: string
  planId?: string | undefined
  item?: string | undefined
  takenFrom?: Date | undefined
  takenUntil?: Date | undefined
}

/** One page of the restore points of an instance, newest first unless told otherwise. */
export async function listPoints(
  { database }: Pick<Context, 'database'>,
  filter: PointFilter,
  page: PageRequest,
): Promise<{ entries: RestorePoint[]; total: number }> {
  const direction = page.sort === undefined || page.sort.descending ? 'desc' : 'asc'
  let query = database
    .selectFrom('restore_points')
    .selectAll()
    .where('instance_id', '=', filter.instanceId)
    .where('deleted_at', 'is', null)
    .orderBy('taken_at', direction)
    .orderBy('id', direction)
  if (filter.planId !== undefined) query = query.where('plan_id', '=', filter.planId)
  if (filter.item !== undefined) query = query.where('item', '=', filter.item)
  if (filter.takenFrom !== undefined) query = query.where('taken_at', '>=', filter.takenFrom)
  if (filter.takenUntil !== undefined) query = query.where('taken_at', '<', filter.takenUntil)
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map(pointFromRow), total }
}

/**
 * Holds a restore point, or lets go of it.
 *
 * @throws {RequestError} If its object is being removed.
 */
export async function setHeld({ database }: Pick<Context, 'database'>, id: string, held: boolean): Promise<void> {
  const { numUpdatedRows } = await database
    .updateTable('restore_points')
    .set({ held })
    .where('id', '=', id)
    .where('removal_requested_at', 'is', null)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new RequestError('conflict', `The restore point ${id} is being removed.`)
}

/**
 * Keeps restore points from being removed while a restore job that reads them is written.
 *
 * @throws {RequestError} If one is being removed or gone.
 */
export async function lockToRestore(transaction: Transaction<Tables>, ids: readonly string[]): Promise<void> {
  const rows = await transaction
    .selectFrom('restore_points')
    .select('id')
    .where('id', 'in', ids)
    .where('removal_requested_at', 'is', null)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .forShare()
    .execute()
  const there = new Set(rows.map((row) => row.id))
  const missing = ids.find((id) => !there.has(id))
  if (missing !== undefined) throw new RequestError('conflict', `The restore point ${missing} is being removed.`)
}

/** Records what reading the object back found. */
export async function recordVerification(
  { database }: Pick<Context, 'database'>,
  id: string,
  state: VerificationState,
  now: Date,
): Promise<void> {
  await database
    .updateTable('restore_points')
    .set({ verified_at: now, verified_state: state })
    .where('id', '=', id)
    .execute()
}

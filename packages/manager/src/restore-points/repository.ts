import { type Selectable, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import { readPage } from '../database/read-page.ts'
import type { RestorePointTable } from '../database/tables/restore-points.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { acquireOrderLock } from './order-repository.ts'
import type { NewRestorePoint, PointFilter, Removal, RestorePoint } from './restore-point.ts'

interface RepositoryContext {
  database: Database
}

/** Reads a row of the table. */
export function pointFromRow(row: Selectable<RestorePointTable>): RestorePoint {
  return {
    id: row.id,
    sequence: Number(row.sequence),
    jobId: row.job_id,
    planId: row.plan_id,
    instanceId: row.instance_id,
    destinationId: row.destination_id,
    item: row.item,
    prefix: row.prefix,
    filename: row.filename,
    sizeBytes: Number(row.size_bytes),
    sha256: row.sha256 ?? undefined,
    root: row.root ?? undefined,
    object: row.object_modified_at
      ? { tag: row.object_tag ?? undefined, modifiedAt: row.object_modified_at }
      : undefined,
    originalSizeBytes: row.original_size_bytes === null ? undefined : Number(row.original_size_bytes),
    transformedBy: row.transformed_by,
    compressionRequested: row.compression_requested,
    compression: row.compression,
    encrypted: row.encrypted,
    recipients: row.recipients?.split('\n') ?? [],
    takenAt: row.taken_at,
    afterFailure: row.after_failure,
    held: row.held,
    suspicious: row.suspicious,
    usualSizeBytes: row.usual_size_bytes === null ? undefined : Number(row.usual_size_bytes),
    confirmation: row.confirmed_at ? { at: row.confirmed_at, by: row.confirmed_by ?? '' } : undefined,
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
    lockedUntil: row.object_locked_until ?? undefined,
  }
}

/**
 * Stores a restore point in the transaction that ends its part. Storing it again changes nothing. Points whose object had the
 * same name are marked as deleted: the new object replaced theirs, or took the name when it was free.
 *
 * @returns Whether it was stored; false: its job has a restore point of the item already.
 */
export async function insertPoint(
  { database }: InTransaction,
  point: NewRestorePoint & Pick<RestorePoint, 'suspicious' | 'usualSizeBytes'>,
  now: Date,
): Promise<boolean> {
  await acquireOrderLock({ database }, point.instanceId)
  await database
    .updateTable('restore_points')
    .set({ deleted_at: now })
    .where('destination_id', '=', point.destinationId)
    .where('prefix', '=', point.prefix)
    .where('filename', '=', point.filename)
    .where('job_id', '<>', point.jobId)
    .where('deleted_at', 'is', null)
    .execute()
  const { numInsertedOrUpdatedRows = 0n } = await database
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
      root: point.root ?? null,
      object_tag: point.object?.tag ?? null,
      object_modified_at: point.object?.modifiedAt ?? null,
      original_size_bytes: point.originalSizeBytes ?? null,
      duration_seconds: sql<number | null>`(
        select max(extract(epoch from ended_at - reserved_at))::double precision from job_parts
        where job_id = ${point.jobId} and item = ${point.item})`,
      transformed_by: point.transformedBy,
      compression_requested: point.compressionRequested,
      compression: point.compression,
      encrypted: point.encrypted,
      recipients: point.recipients.length > 0 ? point.recipients.join('\n') : null,
      taken_at: point.takenAt,
      after_failure: point.afterFailure,
      warnings: JSON.stringify(point.warnings),
      suspicious: point.suspicious,
      usual_size_bytes: point.usualSizeBytes ?? null,
      confirmed_at: null,
      confirmed_by: null,
      verified_at: null,
      verified_state: null,
      removal_requested_at: null,
      removal_reason: null,
      next_removal_at: null,
      removal_error: null,
      deleted_at: null,
    })
    .onConflict((conflict) => conflict.constraint('restore_points_one_per_part').doNothing())
    .executeTakeFirstOrThrow()
  await database
    .insertInto('restorable_items')
    .values({ instance_id: point.instanceId, item: point.item })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return numInsertedOrUpdatedRows > 0n
}

export async function findPoint({ database }: RepositoryContext, id: string): Promise<RestorePoint | undefined> {
  const row = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && pointFromRow(row)
}

/** All restore points of a job, a plan or an instance whose objects have not been deleted. */
export async function pointsOf(
  { database }: RepositoryContext,
  of: { jobId: string } | { planId: string } | { instanceId: string },
): Promise<RestorePoint[]> {
  const query = database.selectFrom('restore_points').selectAll().where('deleted_at', 'is', null)
  const rows = await ('jobId' in of
    ? query.where('job_id', '=', of.jobId)
    : 'planId' in of
      ? query.where('plan_id', '=', of.planId)
      : query.where('instance_id', '=', of.instanceId)
  ).execute()
  return rows.map(pointFromRow)
}

/** The plans that have, or once had, restore points in a destination. */
export async function planIdsWithPointsIn({ database }: RepositoryContext, destinationId: string): Promise<string[]> {
  const rows = await database
    .selectFrom('restore_points')
    .select('plan_id')
    .distinct()
    .where('destination_id', '=', destinationId)
    .execute()
  return rows.map((row) => row.plan_id)
}

/** The plans, also deleted ones, that restore points of an instance are of. */
export async function planIdsWithPointsOf({ database }: RepositoryContext, instanceId: string): Promise<string[]> {
  const rows = await database
    .selectFrom('restore_points')
    .select('plan_id')
    .distinct()
    .where('instance_id', '=', instanceId)
    .where('deleted_at', 'is', null)
    .execute()
  return rows.map((row) => row.plan_id)
}

/** The sequence of the newest restore point that is stored in a destination; undefined if none is. */
export async function newestSequenceIn(
  { database }: RepositoryContext,
  destinationId: string,
): Promise<number | undefined> {
  const row = await database
    .selectFrom('restore_points')
    .select(({ fn }) => fn.max('sequence').as('newest'))
    .where('destination_id', '=', destinationId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row?.newest ? Number(row.newest) : undefined
}

/**
 * A sample of the restore points in a destination whose objects should be there: the newest of items, and others chosen at
 * random, at most `count` of each.
 */
export async function samplePointsIn(
  { database }: RepositoryContext,
  destinationId: string,
  count: number,
): Promise<RestorePoint[]> {
  const stored = database
    .selectFrom('restore_points')
    .selectAll()
    .where('destination_id', '=', destinationId)
    .where('deleted_at', 'is', null)
    .where('removal_requested_at', 'is', null)
    .where(({ or, eb }) => or([eb('verified_state', 'is', null), eb('verified_state', '=', 'intact')]))
  const newest = await stored.distinctOn('item').orderBy('item').orderBy('sequence', 'desc').limit(count).execute()
  const others = await stored.orderBy(sql`random()`).limit(count).execute()
  const rows = new Map([...newest, ...others].map((row) => [row.id, row]))
  return [...rows.values()].map(pointFromRow)
}

/** One page of the restore points of an instance, newest first unless requested otherwise. */
export async function listPoints(
  { database }: RepositoryContext,
  filter: PointFilter,
  page: PageRequest,
): Promise<PageOf<RestorePoint>> {
  const direction = page.sort === undefined || page.sort.descending ? 'desc' : 'asc'
  let query = database
    .selectFrom('restore_points')
    .selectAll()
    .where('instance_id', '=', filter.instanceId)
    .where('deleted_at', 'is', null)
    .orderBy('sequence', direction)
  if (filter.planId !== undefined) query = query.where('plan_id', '=', filter.planId)
  if (filter.item !== undefined) query = query.where('item', '=', filter.item)
  if (filter.takenFrom !== undefined) query = query.where('taken_at', '>=', filter.takenFrom)
  if (filter.takenUntil !== undefined) query = query.where('taken_at', '<', filter.takenUntil)
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map(pointFromRow), total }
}

/** The newest good restore points of an item, of any plan, newest first; also those that were deleted since. */
export async function newestGoodPoints(
  { database }: InTransaction,
  { instanceId, item }: Pick<RestorePoint, 'instanceId' | 'item'>,
  limit: number,
): Promise<RestorePoint[]> {
  const rows = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .where('item', '=', item)
    .where('after_failure', '=', false)
    .where((or) => or.or([or('verified_state', 'is', null), or('verified_state', '=', 'intact')]))
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute()
  return rows.map(pointFromRow)
}

/**
 * Keeps restore points from being removed until the transaction ends, in which a restore of them is stored.
 *
 * @returns The id of one that is being removed or deleted already; undefined if none is.
 */
export async function lockPointsForRestore(
  { database }: InTransaction,
  ids: readonly string[],
): Promise<string | undefined> {
  const rows = await database
    .selectFrom('restore_points')
    .select('id')
    .where('id', 'in', ids)
    .where('removal_requested_at', 'is', null)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .forShare()
    .execute()
  const locked = new Set(rows.map((row) => row.id))
  return ids.find((id) => !locked.has(id))
}

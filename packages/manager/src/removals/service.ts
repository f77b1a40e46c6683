import type { RemovalReason } from '@osb-backup/protocol'
import { ContentError, type ObjectStore, removeWithManifest, StoreError, verifyObject } from '@osb-backup/storage'
import { type Kysely, sql, type Transaction, type UpdateQueryBuilder, type UpdateResult } from 'kysely'
import type { Context } from '../context/context.ts'
import type { Tables } from '../database/schema.ts'
import { storeOfPoint } from '../restore-points/point-store.ts'
import { markPointDeleted, pointFromRow } from '../restore-points/repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'

/** The second attempt comes after a minute, each later one after twice as long, up to six hours. */
const FIRST_BACKOFF_SECONDS = 60
const LONGEST_BACKOFF_SECONDS = 6 * 3600
const MOST_DOUBLINGS = 9

/**
 * Removing an object has two phases. In the first, here, it is written down that it shall go; from then on nothing is
 * restored from it. In the second its store is asked, again and again until it is gone.
 *
 * Passes over what is held, what is being removed or gone already, and what a restore reads at this moment.
 *
 * @returns The ids of those that shall go from now on.
 */
export async function requestRemoval(
  transaction: Transaction<Tables>,
  ids: readonly string[],
  reason: RemovalReason,
  now: Date,
): Promise<string[]> {
  if (ids.length === 0) return []
  // Locked before it is asked who reads them: a restore that starts meanwhile waits, and then finds them going.
  const locked = await transaction
    .selectFrom('restore_points')
    .select('id')
    .where('id', '=', sql<string>`any(${ids})`)
    .where('held', '=', false)
    .where('removal_requested_at', 'is', null)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  const read = await pointsBeingRestored(transaction, ids)
  const going = locked.map(({ id }) => id).filter((id) => !read.has(id))
  await transaction
    .updateTable('restore_points')
    .set({ removal_requested_at: now, removal_reason: reason, next_removal_at: now })
    .where('id', '=', sql<string>`any(${going})`)
    .execute()
  return going
}

/** Which of these points restores that are not over read. */
export async function pointsBeingRestored(
  transaction: Transaction<Tables>,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await transaction
    .selectFrom('jobs')
    .innerJoin('job_parts', 'job_parts.job_id', 'jobs.id')
    .select('job_parts.restore_point_id')
    .where('jobs.ended_at', 'is', null)
    .where('jobs.kind', '=', 'restore')
    .where('job_parts.restore_point_id', '=', sql<string>`any(${ids})`)
    .execute()
  return new Set(rows.flatMap((row) => row.restore_point_id ?? []))
}

/**
 * Takes objects whose next attempt is due, so that no other manager tries them meanwhile. Those of plans with a backup job
 * that is not over wait, but for their first attempt: the job may take a name that a lost attempt has freed.
 *
 * @returns The restore points, at most so many; each counts one attempt more.
 */
export async function takeDueRemovals({ database, now }: Context, most: number): Promise<RestorePoint[]> {
  const due = database
    .selectFrom('restore_points')
    .select('id')
    .where('removal_requested_at', 'is not', null)
    .where('deleted_at', 'is', null)
    .where('next_removal_at', '<=', now())
    .where(({ or, eb, not, exists, selectFrom }) =>
      or([
        eb('removal_attempts', '=', 0),
        not(
          exists(
            selectFrom('jobs')
              .select('jobs.id')
              .whereRef('jobs.plan_id', '=', 'restore_points.plan_id')
              .where('jobs.kind', '=', 'backup')
              .where('jobs.ended_at', 'is', null),
          ),
        ),
      ]),
    )
    .orderBy('next_removal_at')
    .limit(most)
    .forUpdate()
    .skipLocked()
  return take(database, now(), (points) => points.where('id', 'in', due))
}

/** Takes these objects for an attempt now, in the transaction that wants them removed: whoever asked does not wait. */
export async function takeRemovals(
  transaction: Transaction<Tables>,
  ids: readonly string[],
  now: Date,
): Promise<RestorePoint[]> {
  return take(transaction, now, (points) =>
    points
      .where('id', '=', sql<string>`any(${ids})`)
      .where('removal_requested_at', 'is not', null)
      .where('deleted_at', 'is', null),
  )
}

type TakenPoints = UpdateQueryBuilder<Tables, 'restore_points', 'restore_points', UpdateResult>

async function take(
  database: Kysely<Tables>,
  now: Date,
  which: (points: TakenPoints) => TakenPoints,
): Promise<RestorePoint[]> {
  const rows = await which(database.updateTable('restore_points').set(nextAttempt(now)))
    .returningAll()
    .execute()
  return rows.map(pointFromRow)
}

const nextAttempt = (now: Date) => ({
  removal_attempts: sql<number>`removal_attempts + 1`,
  next_removal_at: sql<Date>`${now}::timestamptz + make_interval(secs => least(
    ${sql.lit(FIRST_BACKOFF_SECONDS)} * 2 ^ least(removal_attempts, ${sql.lit(MOST_DOUBLINGS)}),
    ${sql.lit(LONGEST_BACKOFF_SECONDS)}))`,
})

/**
 * Removes an object with its manifest: the one that the restore point names, in the destination it names, and no other. Where
 * an attempt before may have removed it, and a newer backup may have taken its name, the object is looked at first.
 *
 * @param point - Taken for this attempt.
 * @throws {StoreError} If its store refuses. That is written down with the point, which stays and is tried again.
 */
export async function removeObject(context: Context, point: RestorePoint, signal: AbortSignal): Promise<void> {
  try {
    const store = await storeOfPoint(context, point)
    const name = point.prefix + point.filename
    if ((point.removal?.attempts ?? 1) > 1 && !(await isItself(store, name, point, signal))) {
      context.log.warn({ restorePointId: point.id }, 'another object has the name of one that shall go, and stays')
    } else {
      await removeWithManifest(store, name, { signal })
    }
  } catch (error) {
    if (signal.aborted) throw error
    const isOurs = error instanceof StoreError || error instanceof RequestError
    const message = isOurs ? error.message : 'It could not be removed; the log of the manager says why.'
    await context.database
      .updateTable('restore_points')
      .set({ removal_error: message })
      .where('id', '=', point.id)
      .execute()
    throw error
  }
  await markPointDeleted(context, point, context.now())
}

/** Whether an object is the one that was recorded, or none is there and only its manifest may be left. */
async function isItself(store: ObjectStore, name: string, point: RestorePoint, signal: AbortSignal): Promise<boolean> {
  const found = await store.head(name, { signal })
  if (found === undefined) return true
  if (found.sizeBytes !== point.sizeBytes) return false
  // Nobody can tell two objects of one size apart without a digest; then rather one too many stays.
  if (point.sha256 === undefined) return false
  try {
    await verifyObject(store, name, { sizeBytes: point.sizeBytes, sha256: point.sha256 }, { signal })
    return true
  } catch (error) {
    if (error instanceof ContentError) return false
    throw error
  }
}

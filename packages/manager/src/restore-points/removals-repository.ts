import type { RemovalReason } from '@osb-backup/protocol'
import { sql, type UpdateQueryBuilder, type UpdateResult } from 'kysely'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { Database } from '../database/open-database.ts'
import type { Tables } from '../database/schema.ts'
import type { InTransaction } from '../database/transaction.ts'
import { pointFromRow } from './repository.ts'
import type { RestorePoint } from './restore-point.ts'

/** The second attempt comes after a minute, each later one after twice as long, up to six hours. */
const FIRST_BACKOFF_SECONDS = 60
const LONGEST_BACKOFF_SECONDS = 6 * 3600
const MAX_DOUBLINGS = 9

/** Locks those of the restore points that are neither held, nor being removed, nor deleted. Returns their ids. */
export async function lockRemovablePoints({ database }: InTransaction, ids: readonly string[]): Promise<string[]> {
  const rows = await database
    .selectFrom('restore_points')
    .select('id')
    .where('id', '=', sql<string>`any(${ids})`)
    .where('held', '=', false)
    .where('removal_requested_at', 'is', null)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  return rows.map((row) => row.id)
}

/** Marks restore points that are locked as to be removed: from now on nothing is restored from them. */
export async function markForRemoval(
  { database }: InTransaction,
  ids: readonly string[],
  reason: RemovalReason,
  { now, dueAt }: { now: Date; dueAt: Date },
): Promise<void> {
  await database
    .updateTable('restore_points')
    .set({ removal_requested_at: now, removal_reason: reason, next_removal_at: dueAt })
    .where('id', '=', sql<string>`any(${ids})`)
    .execute()
}

/** One of the restore points that is neither marked for removal nor deleted; undefined if there is none. */
export async function findUnmarkedPoint(
  { database }: InTransaction,
  ids: readonly string[],
): Promise<RestorePoint | undefined> {
  const row = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('id', '=', sql<string>`any(${ids})`)
    .where('removal_requested_at', 'is', null)
    .where('deleted_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row && pointFromRow(row)
}

/**
 * Claims restore points whose next removal attempt is due, so that no other manager tries them meanwhile. Except for their
 * first attempt, those of plans with an open backup job wait: the job may take a name that a lost attempt has freed.
 *
 * @returns At most `limit`; each counts one attempt more.
 */
export async function claimDueRemovals(
  { database }: Pick<Context, 'database'>,
  limit: number,
): Promise<RestorePoint[]> {
  const now = await readClock({ database })
  const due = database
    .selectFrom('restore_points')
    .select('id')
    .where('removal_requested_at', 'is not', null)
    .where('deleted_at', 'is', null)
    .where('next_removal_at', '<=', now)
    // What retention removes was too old, and a grace period over, by a clock that was set since.
    .where(({ or, and, eb, ref, not, exists, selectFrom }) =>
      or([
        and([
          eb('removal_reason', '<>', 'RETENTION'),
          or([eb('removal_attempts', '>', 0), eb('next_removal_at', '<=', ref('removal_requested_at'))]),
        ]),
        not(exists(selectFrom('clock_jumps').select('id').where('confirmed_at', 'is', null))),
      ]),
    )
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
    .limit(limit)
    .forUpdate()
    .skipLocked()
  return claim(database, now, (points) => points.where('id', 'in', due))
}

/** Claims these restore points for an attempt now, in the transaction that marks them: the user who asked does not wait. */
export async function claimRemovals(
  { database }: InTransaction,
  ids: readonly string[],
  now: Date,
): Promise<RestorePoint[]> {
  return claim(database, now, (points) =>
    points
      .where('id', '=', sql<string>`any(${ids})`)
      .where('removal_requested_at', 'is not', null)
      .where('deleted_at', 'is', null),
  )
}

type PointsUpdate = UpdateQueryBuilder<Tables, 'restore_points', 'restore_points', UpdateResult>

async function claim(
  database: Database,
  now: Date,
  narrow: (points: PointsUpdate) => PointsUpdate,
): Promise<RestorePoint[]> {
  const rows = await narrow(database.updateTable('restore_points').set(nextAttempt(now)))
    .returningAll()
    .execute()
  return rows.map(pointFromRow)
}

const nextAttempt = (now: Date) => ({
  removal_attempts: sql<number>`removal_attempts + 1`,
  next_removal_at: sql<Date>`${now}::timestamptz + make_interval(secs => least(
    ${sql.lit(FIRST_BACKOFF_SECONDS)} * 2 ^ least(removal_attempts, ${sql.lit(MAX_DOUBLINGS)}),
    ${sql.lit(LONGEST_BACKOFF_SECONDS)}))`,
})

/**
 * Corrects removals that were dated while the clock was ahead. A grace period is never shortened: where it began in the future it
 * begins now. A further attempt that is further away than the longest backoff is due now, unless it waits for an object lock.
 *
 * @returns How many were corrected.
 */
export async function capRemovals({ database }: Pick<Context, 'database'>): Promise<number> {
  const graces = await sql`
    update restore_points set removal_requested_at = now(), next_removal_at = now() + (next_removal_at - removal_requested_at)
    where removal_attempts = 0 and deleted_at is null and removal_requested_at > now()`.execute(database)
  const backoffs = await sql`
    update restore_points set next_removal_at = now()
    where removal_attempts > 0 and removal_requested_at is not null and deleted_at is null
      and next_removal_at > now() + make_interval(secs => ${LONGEST_BACKOFF_SECONDS})
      and next_removal_at is distinct from object_locked_until`.execute(database)
  return Number(graces.numAffectedRows ?? 0n) + Number(backoffs.numAffectedRows ?? 0n)
}

/**
 * Records why an attempt failed.
 *
 * @param failure.lockedUntil - When the object lock ends that the store reported: there is no attempt before.
 */
export async function recordRemovalError(
  { database }: Pick<Context, 'database'>,
  id: string,
  { message, lockedUntil }: { message: string; lockedUntil?: Date | undefined },
): Promise<void> {
  await database
    .updateTable('restore_points')
    .set({
      removal_error: message,
      object_locked_until: lockedUntil ?? null,
      ...(lockedUntil && { next_removal_at: lockedUntil }),
    })
    .where('id', '=', id)
    .execute()
}

/** Marks a restore point as deleted. Only after its object was removed. */
export async function markPointDeleted({ database }: InTransaction, id: string, now: Date): Promise<void> {
  await database.updateTable('restore_points').set({ deleted_at: now }).where('id', '=', id).execute()
}

/**
 * Takes back that a restore point is to be removed, as long as no attempt was made to remove its object.
 *
 * @returns Whether it was taken back.
 */
export async function unmarkForRemoval({ database }: InTransaction, id: string): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('restore_points')
    .set({ removal_requested_at: null, removal_reason: null, next_removal_at: null })
    .where('id', '=', id)
    .where('removal_requested_at', 'is not', null)
    .where('removal_reason', '<>', 'RETENTION')
    .where('removal_attempts', '=', 0)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** How many good restore points of an item are kept in any case, for comparing the sizes of its dumps. */
const KEPT_FOR_SIZES = 20

/**
 * Deletes the records of restore points whose objects were deleted before an instant, unless they are among the newest of their item.
 * Returns how many, at most `limit`.
 */
export async function deleteRecordsBefore({ database }: InTransaction, before: Date, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from restore_points where id in (
      select id from restore_points point
      where deleted_at < ${before} and exists (
        select from restore_points newer
        where newer.instance_id = point.instance_id and newer.item = point.item and newer.sequence > point.sequence
          and not newer.after_failure and coalesce(newer.verified_state, 'intact') = 'intact'
        offset ${KEPT_FOR_SIZES}
      )
      order by deleted_at limit ${limit} for update skip locked
    )`.execute(database)
  return Number(numAffectedRows)
}

import { omitUndefined } from '@osb-backup/node'
import type { RemovalReason } from '@osb-backup/protocol'
import {
  ContentError,
  isSameObject,
  type ObjectStore,
  removeExpected,
  type StoredObject,
  StoreError,
  undoRetry,
  verifyObject,
} from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import { requirePermission } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import { openDestinationOf } from '../destinations/open-destination.ts'
import { clearPartFile, pointsBeingRestored, setPartFile } from '../jobs/parts-repository.ts'
import * as repository from '../restore-points/removals-repository.ts'
import { objectNameOf, type RestorePoint } from '../restore-points/restore-point.ts'
import { getPoint } from '../restore-points/service.ts'
import { RequestError } from '../shared/request-error.ts'

const HOUR_MS = 3_600_000

/**
 * Removing an object has two phases. In the first, here, its restore point is marked; from then on nothing is restored from
 * it. In the second its store is asked to remove it, again and again until it is deleted. What a caller deletes, and not
 * retention, stays for `DELETION_GRACE_HOURS` in between, in which it can be undeleted.
 *
 * Skips points that are held, being removed or deleted already, or read by a restore at the moment.
 *
 * @returns The ids of those that are removed from now on.
 */
export async function requestRemoval(
  tx: TransactionContext,
  ids: readonly string[],
  reason: RemovalReason,
): Promise<string[]> {
  if (ids.length === 0) return []
  // Locked before the restores are read: a restore that starts meanwhile waits, and then finds them marked.
  const locked = await repository.lockRemovablePoints(tx, ids)
  const restored = await pointsBeingRestored(tx, ids)
  const removed = locked.filter((id) => !restored.has(id))
  const now = await readClock(tx)
  const graceHours = reason === 'RETENTION' ? 0 : tx.settings.deletionGraceHours
  await repository.markForRemoval(tx, removed, reason, { now, dueAt: new Date(now.getTime() + graceHours * HOUR_MS) })
  return removed
}

/** @throws {RequestError} Naming a restore point that a restore reads. */
export async function requireNoneRestored(tx: TransactionContext, ids: readonly string[]): Promise<void> {
  const [restored] = await pointsBeingRestored(tx, ids)
  if (restored === undefined) return
  throw new RequestError('conflict', `The restore point ${restored} is being restored: wait for the end.`)
}

/** Claims restore points whose next removal attempt is due. Returns at most `limit`. */
export function claimDueRemovals(context: Context, limit: number): Promise<RestorePoint[]> {
  return repository.claimDueRemovals(context, limit)
}

/**
 * Removes the objects of restore points because a user asked for it: at once, or when the grace period is over.
 *
 * @param points - Of an instance that the caller was authorized for.
 * @throws {RequestError} If one is held or being restored, before anything is removed; or if a store refuses: the others
 *   are removed, and those that are left are retried until they are deleted.
 */
export async function removeFiles(context: Context, call: Call, points: readonly RestorePoint[]): Promise<void> {
  requirePermission(call, 'delete-backups', 'Deleting restore points')
  const claimed = await claimRequested(context, call, points, { atOnce: context.settings.deletionGraceHours === 0 })
  const refusals: StoreError[] = []
  for (const point of claimed) {
    await removeObject(context, point, new AbortController().signal).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error
      refusals.push(error)
    })
  }
  const [cause] = refusals
  if (cause === undefined) return
  const count = refusals.length === 1 ? 'A file is' : `${refusals.length} files are`
  const message = `${count} not removed yet; removal is retried until it succeeds: ${cause.message}`
  throw new RequestError('conflict', message, { cause })
}

/**
 * Marks restore points for removal because a user asked for it.
 *
 * @param options.atOnce - Whether they are claimed for an attempt now, and not when the grace period is over.
 * @returns Those that were claimed.
 * @throws {RequestError} If one is held or being restored; then none is marked.
 */
export function claimRequested(
  context: Context,
  call: Call,
  points: readonly RestorePoint[],
  { atOnce }: { atOnce: boolean },
): Promise<RestorePoint[]> {
  const ids = points.map((point) => point.id)
  return inAuditedTransaction(context, call, async (tx) => {
    await requestRemoval(tx, ids, 'REQUESTED')
    const kept = await repository.findUnmarkedPoint(tx, ids)
    if (kept === undefined) {
      if (atOnce) return repository.claimRemovals(tx, ids, await readClock(tx))
      // Callers see that the files are gone, although they could be undeleted.
      for (const { jobId, item } of points) await clearPartFile(tx, jobId, item)
      return []
    }
    const what = `The restore point ${kept.id} of ${JSON.stringify(kept.item)}`
    const isRestored = (await pointsBeingRestored(tx, [kept.id])).has(kept.id)
    const reason = isRestored ? 'is being restored: wait for the end' : 'is held: release it first'
    throw new RequestError('conflict', `${what} ${reason}.`)
  })
}

/**
 * Undeletes a restore point whose object is to be removed when the grace period is over.
 *
 * @throws {RequestError} If it is not to be removed, its retention expired it, or the grace period is over.
 */
export async function undeletePoint(context: Context, call: Call, id: string): Promise<RestorePoint> {
  const point = await getPoint(context, call, id)
  await inAuditedTransaction(context, call, async (tx) => {
    if (await repository.unmarkForRemoval(tx, id)) return setPartFile(tx, point)
    const reason =
      point.removal?.reason === 'RETENTION'
        ? 'its retention expired it'
        : 'it is not deleted, or the grace period is over'
    throw new RequestError('conflict', `The restore point ${id} cannot be undeleted: ${reason}.`)
  })
  return { ...point, removal: undefined }
}

/**
 * Removes an object with its manifest: the one that was recorded, in the destination of the restore point, and no other. Each
 * attempt verifies that it is the one, since an earlier attempt may have freed the name for a newer backup.
 *
 * @param point - Claimed for this attempt.
 * @throws {StoreError} If its store refuses. That is recorded with the point, and removal is retried.
 */
export async function removeObject(context: Context, point: RestorePoint, signal: AbortSignal): Promise<void> {
  try {
    // Not for minutes: removal is tried again later.
    const store = await openDestinationOf(context, point.destinationId, { retry: undoRetry })
    const name = objectNameOf(point)
    const isExpected = (found: StoredObject) => isRecordedObject(store, found, point, signal)
    const { sizeBytes, object } = point
    const recorded = object && { name, sizeBytes, ...omitUndefined(object) }
    if (!(await removeExpected(store, name, isExpected, omitUndefined({ signal, recorded })))) {
      context.log.warn({ restorePointId: point.id }, 'another object has the name of one to be removed; it is kept')
    }
  } catch (error) {
    if (signal.aborted) throw error
    const isExpected = error instanceof StoreError || error instanceof RequestError
    const message = isExpected ? error.message : 'It could not be removed; the log of the manager says why.'
    const lockedUntil = error instanceof StoreError ? error.lockedUntil : undefined
    await repository.recordRemovalError(context, point.id, { message, lockedUntil })
    throw error
  }
  await recordDeletion(context, point)
}

/** Records that a restore point is deleted. */
export async function recordDeletion(context: Context, point: RestorePoint): Promise<void> {
  await inTransaction(context, async (tx) => {
    await repository.markPointDeleted(tx, point.id, await readClock(tx))
    await clearPartFile(tx, point.jobId, point.item)
  })
}

/** Whether an object is the one that was recorded: as its store described it then, or by its content. */
async function isRecordedObject(
  store: ObjectStore,
  found: StoredObject,
  { sizeBytes, sha256, object }: RestorePoint,
  signal: AbortSignal,
): Promise<boolean> {
  if (found.sizeBytes !== sizeBytes) return false
  if (object !== undefined && isSameObject(found, { name: found.name, sizeBytes, ...omitUndefined(object) }))
    return true
  // Two objects of one size cannot be distinguished without a digest; then the object is kept.
  if (sha256 === undefined) return false
  try {
    await verifyObject(store, found.name, { sizeBytes, sha256 }, { signal })
    return true
  } catch (error) {
    if (error instanceof ContentError) return false
    throw error
  }
}

import { isStoreMissing, StoreError, undoRetry } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import { openDestinationOf } from '../destinations/open-destination.ts'
import { objectNameOf, type RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'
import { includesRole } from '../shared/role.ts'
import { claimRequested, recordDeletion, removeObject } from './service.ts'

/** How long the store has to answer. */
const ATTEMPT_MS = 5000

/**
 * Deletes a restore point whose store may not exist any more. It is deleted like any other, and without its object only if the host,
 * bucket or container does not exist: a store that is merely unreachable, or refuses, still has the object.
 *
 * @param point - Of an instance that the caller was authorized for.
 * @throws {RequestError} If the caller is no admin, or the restore point is held or being restored; or if the store fails
 *   otherwise: then the restore point is marked, and removal is tried until it succeeds.
 */
export async function forgetPoint(context: Context, call: Call, point: RestorePoint): Promise<void> {
  if (!includesRole(call.caller.role, 'admin')) {
    throw new RequestError('forbidden', 'Only an admin can delete a restore point without its object.')
  }
  call.audit.action += '?force=true'
  const atOnce = context.settings.deletionGraceHours === 0
  const [claimed] = await claimRequested(context, call, [point], { atOnce })
  // Deleted by somebody else meanwhile.
  if (atOnce && claimed === undefined) return
  const signal = AbortSignal.timeout(ATTEMPT_MS)
  try {
    await (claimed === undefined ? requireStore(context, point, signal) : removeObject(context, claimed, signal))
  } catch (error) {
    if (isStoreMissing(error)) {
      context.log.warn({ err: error, restorePointId: point.id }, 'a restore point was deleted without its object')
      return recordDeletion(context, point)
    }
    if (!(error instanceof StoreError || error instanceof RequestError || signal.aborted)) throw error
    const reason = signal.aborted ? `The store did not answer within ${ATTEMPT_MS / 1000} seconds.` : messageOf(error)
    const message = `The object may still be stored, so that the restore point is kept until it is removed, which is retried: ${reason}`
    throw new RequestError('conflict', message, { cause: error })
  }
}

/** @throws {StoreError} If the store fails. */
async function requireStore(context: Context, point: RestorePoint, signal: AbortSignal): Promise<void> {
  const store = await openDestinationOf(context, point.destinationId, { retry: undoRetry })
  await store.head(objectNameOf(point), { signal })
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

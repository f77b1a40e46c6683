import { StoreError } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'
import { includesRole } from '../shared/role.ts'
import { claimRequested, recordDeletion, removeObject } from './service.ts'

/** How long the store has to answer before the restore point is forgotten without it. */
const ATTEMPT_MS = 5000

/**
 * Deletes a restore point whose store is gone. Its object is removed if the store can be reached after all; if not, it is left
 * where it may be, and the restore point is deleted all the same.
 *
 * @param point - Of an instance that the caller was authorized for.
 * @throws {RequestError} If the caller is no admin, or the restore point is held or being restored.
 */
export async function forgetPoint(context: Context, call: Call, point: RestorePoint): Promise<void> {
  if (!includesRole(call.caller.role, 'admin')) {
    throw new RequestError('forbidden', 'Only an admin can delete a restore point without its object.')
  }
  call.audit.action += '?force=true'
  const [claimed] = await claimRequested(context, call, [point], { atOnce: true })
  // Deleted by somebody else meanwhile.
  if (claimed === undefined) return
  const signal = AbortSignal.timeout(ATTEMPT_MS)
  try {
    await removeObject(context, claimed, signal)
  } catch (error) {
    const isExpected = error instanceof StoreError || error instanceof RequestError || signal.aborted
    if (!isExpected) throw error
    context.log.warn({ err: error, restorePointId: point.id }, 'a restore point was deleted without its object')
    await recordDeletion(context, claimed)
  }
}

import { ContentError, StoreError, verifyObject } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { storeOfPoint } from './point-store.ts'
import { recordVerification } from './repository.ts'
import type { RestorePoint, VerificationState } from './restore-point.ts'

/**
 * Reads the object of a restore point back, whole, and compares size and digest with what was recorded.
 *
 * @throws {RequestError} If the store could not be asked: that says nothing about the object, and nothing is recorded.
 */
export async function verifyPoint(
  context: Context,
  point: RestorePoint,
  signal: AbortSignal,
): Promise<VerificationState> {
  const state = await readBack(context, point, signal)
  await recordVerification(context, point.id, state, context.now())
  return state
}

async function readBack(context: Context, point: RestorePoint, signal: AbortSignal): Promise<VerificationState> {
  const { sizeBytes, sha256 } = point
  const expected = sha256 === undefined ? { sizeBytes } : { sizeBytes, sha256 }
  try {
    await verifyObject(await storeOfPoint(context, point), point.prefix + point.filename, expected, {
      signal,
    })
    return 'intact'
  } catch (error) {
    if (error instanceof ContentError) return 'damaged'
    if (error instanceof StoreError && error.code === 'absent') return 'missing'
    if (!(error instanceof StoreError)) throw error
    throw new RequestError('conflict', `The object could not be read back: ${error.message}`, { cause: error })
  }
}

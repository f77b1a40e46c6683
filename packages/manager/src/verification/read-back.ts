import { omitUndefined } from '@osb-backup/node'
import { ContentError, StoreError, verifyObject } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { openDestinationOf } from '../destinations/open-destination.ts'
import { objectNameOf, type RestorePoint, type VerificationState } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'

/** What an object turned out to be; if it is not intact, with the reason. */
export interface Verification {
  state: VerificationState
  problem?: string
}

/** What stops the reading of an object, and where its progress is reported. */
export interface ReadBackOptions {
  signal: AbortSignal
  /** How many percent of the chunks are read, chosen at random; undefined: all. */
  samplePercent?: number | undefined
  onProgress?: (progress: { bytesRead: number }) => void
}

/**
 * Reads the object of a restore point, whole or a sample, and compares size and digests with what was recorded.
 *
 * @throws {RequestError} If the store could not be read, which says nothing about the object.
 */
export async function readBack(context: Context, point: RestorePoint, options: ReadBackOptions): Promise<Verification> {
  const { sizeBytes, sha256, root } = point
  const expected = omitUndefined({ sizeBytes, sha256, root })
  try {
    const store = await openDestinationOf(context, point.destinationId)
    try {
      await verifyObject(store, objectNameOf(point), expected, options)
      return { state: 'intact' }
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'absent') throw error
      // Only `head` tells an absent object from a missing bucket, container or directory, where it rejects.
      const found = await store.head(objectNameOf(point), { signal: options.signal })
      if (found !== undefined) throw error
      return { state: 'missing', problem: error.message }
    }
  } catch (error) {
    if (error instanceof ContentError) return { state: 'damaged', problem: error.message }
    if (!(error instanceof StoreError)) throw error
    throw new RequestError('conflict', `The object could not be read back: ${error.message}`, { cause: error })
  }
}

import { ContentError, readManifest, StoreError, type StoreSettings, stores, verifyObject } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { explainFailure } from '../destinations/explain-failure.ts'
import { openDestination } from '../destinations/open-destination.ts'
import { samplePointsIn } from '../restore-points/repository.ts'
import { objectNameOf, type RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'

/** Of how many items the newest object is looked up, besides as many others chosen at random. */
const SAMPLE_SIZE = 20
/** Objects without a recorded root are read back whole, up to this size. */
const MAX_READ_BYTES = 16 * 1024 * 1024
const TIMEOUT_MS = 60_000

/** Whether two settings differ, of what identifies a place, in the server alone: its scheme, host name, port or path. */
export function isOtherServerOnly(stored: StoreSettings, wanted: StoreSettings): boolean {
  const { endpointField: field } = stores.kindOf(stored)
  if (field === undefined || stored.type !== wanted.type) return false
  const atStoredServer = { ...wanted, [field]: (stored as Record<string, unknown>)[field] }
  return stores.isSamePlace(stored, atStoredServer as StoreSettings)
}

/**
 * Verifies at the new address of a destination that it is the same store: a sample of the recorded objects is there, with the
 * recorded size and, where a digest was recorded, the recorded content.
 *
 * @throws {RequestError} Naming the first object that differs, or why the store does not answer.
 */
export async function verifyMovedStore(context: Context, destinationId: string, wanted: StoreSettings): Promise<void> {
  const points = await samplePointsIn(context, destinationId, SAMPLE_SIZE)
  if (points.length === 0) throw notMoved('none of them is known to be intact.')
  const store = openDestination(wanted, context, { retry: false })
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    for (const point of points) await verifyPoint(store, point, signal)
  } catch (cause) {
    if (cause instanceof StoreError) throw notMoved(explainFailure(cause, wanted, 'read'), cause)
    if (cause instanceof ContentError) throw notMoved(cause.message, cause)
    if (signal.aborted) throw notMoved(`no answer within ${TIMEOUT_MS / 1000} seconds.`, cause)
    throw cause
  }
}

async function verifyPoint(
  store: ReturnType<typeof openDestination>,
  point: RestorePoint,
  signal: AbortSignal,
): Promise<void> {
  const name = objectNameOf(point)
  const { sizeBytes, sha256, root } = point
  const found = await store.head(name, { signal })
  if (found?.sizeBytes !== sizeBytes) {
    const state = found === undefined ? 'does not exist there' : `has ${found.sizeBytes} bytes there`
    throw notMoved(`the object ${JSON.stringify(name)} of ${sizeBytes} bytes ${state}.`)
  }
  if (root !== undefined && (await readManifest(store, name, { root, signal })) === undefined) {
    throw notMoved(`the manifest of ${JSON.stringify(name)} does not exist there.`)
  }
  if (root === undefined && sha256 !== undefined && sizeBytes <= MAX_READ_BYTES) {
    await verifyObject(store, name, { sizeBytes, sha256 }, { signal })
  }
}

function notMoved(reason: string, cause?: unknown): RequestError {
  const message = `Backups are stored in this destination, and they were not found at the new address: ${reason}`
  return new RequestError('conflict', message, { cause })
}

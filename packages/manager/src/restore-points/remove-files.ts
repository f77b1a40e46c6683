import { type ObjectStore, StoreError } from '@osb-backup/storage'
import type { Context } from '../context.ts'
import { openDestination } from '../destinations/open-destination.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { destinationsById } from '../destinations/store.ts'
import { invariant } from '../invariant.ts'
import { RequestError } from '../request-error.ts'
import type { RestorePoint } from './restore-point.ts'
import { markPointDeleted } from './store.ts'

/** Where the object of a restore point lies. */
export async function storeOfPoint(context: Context, point: RestorePoint): Promise<ObjectStore> {
  const destination = (await destinationsById(context, [point.destinationId])).get(point.destinationId)
  invariant(destination, `restore point ${point.id} has a destination`)
  await checkAllowed(destination.store, context)
  return openDestination(destination.store, context)
}

/**
 * Removes the objects of restore points, each marked as gone only once its store said so.
 *
 * @throws {RequestError} If one is held, before anything is removed; or if a store refuses: what was removed until then
 *   stays marked, and a second call goes on.
 */
export async function removeFiles(context: Context, points: readonly RestorePoint[]): Promise<void> {
  const held = points.find((point) => point.held)
  if (held !== undefined) {
    throw new RequestError(
      'conflict',
      `The restore point ${held.id} of ${JSON.stringify(held.item)} is held: release it first.`,
    )
  }
  for (const point of points) {
    try {
      const store = await storeOfPoint(context, point)
      await store.remove(point.prefix + point.filename)
    } catch (cause) {
      if (!(cause instanceof StoreError)) throw cause
      throw new RequestError(
        'conflict',
        `The file of ${JSON.stringify(point.item)} was not removed: ${cause.message}`,
        {
          cause,
        },
      )
    }
    await markPointDeleted(context, point, context.now())
  }
}

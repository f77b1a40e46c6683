import { openStore, StoreError } from '@osb-backup/storage'
import type { Context } from '../context.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { destinationsById } from '../destinations/store.ts'
import { invariant } from '../invariant.ts'
import type { Job } from '../jobs/job.ts'
import { RequestError } from '../request-error.ts'
import { markPointDeleted, pointsOfJob } from './store.ts'

/**
 * Removes the objects that a backup job left, each marked as gone only once its store said so.
 *
 * @throws {RequestError} If a store refuses; what was removed until then stays marked, and a second call goes on.
 */
export async function removeFilesOfJob(context: Context, job: Job): Promise<void> {
  for (const point of await pointsOfJob(context, job.id)) {
    const destination = (await destinationsById(context, [point.destinationId])).get(point.destinationId)
    invariant(destination, `restore point ${point.id} has a destination`)
    checkAllowed(destination.store, context)
    try {
      await openStore(destination.store).remove(point.prefix + point.filename)
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
    await markPointDeleted(context, point.id, context.now())
  }
}

import type { ObjectStore } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { openDestination } from '../destinations/open-destination.ts'
import { destinationsById } from '../destinations/repository.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { invariant } from '../shared/invariant.ts'
import type { RestorePoint } from './restore-point.ts'

/** Where the object of a restore point lies. */
export async function storeOfPoint(context: Context, point: RestorePoint): Promise<ObjectStore> {
  const destination = (await destinationsById(context, [point.destinationId])).get(point.destinationId)
  invariant(destination, `restore point ${point.id} has a destination`)
  await checkAllowed(destination.store, context)
  return openDestination(destination.store, context)
}

import { stores } from '@osb-backup/storage'
import { authorizeInstance, type Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { FileDestination } from '../destinations/destination.ts'
import { requireOwnDirectory } from '../destinations/directories.ts'
import { lockDestination, lockDirectories, retireDestinations, updateDestination } from '../destinations/repository.ts'
import { checkStore, getDestination } from '../destinations/service.ts'
import { hasOpenJobsIn } from '../jobs/repository.ts'
import { nameOfAnyPlan } from '../plans/repository.ts'
import { hasPointsIn } from '../restore-points/repository.ts'
import { changedMeanwhile, RequestError } from '../shared/request-error.ts'

/**
 * Replaces name and settings of a destination.
 *
 * @param edited - The version to replace; undefined: whichever is stored.
 * @throws {RequestError} If the operator does not allow it, it was changed meanwhile, or it would move while it is in use.
 */
export async function changeDestination(
  context: Context,
  call: Call,
  destination: FileDestination,
  edited: number | undefined,
): Promise<FileDestination> {
  const stored = await getDestination(context, call, destination.id)
  await checkStore(context, destination.store)
  const isMoved = !stores.isSamePlace(stored.store, destination.store)
  const version = await inAuditedTransaction(context, call, async (tx) => {
    if (isMoved) {
      await lockDirectories(tx)
      await requireOwnDirectory(tx, destination)
      await requireNotInUse(tx, destination.id)
    }
    const written = await updateDestination(tx, destination, edited)
    if (written === undefined) throw changedMeanwhile()
    return written
  })
  return { ...destination, version }
}

/** Objects that restore points name would be looked for, and removed, at another location. */
async function requireNotInUse(tx: TransactionContext, id: string): Promise<void> {
  await lockDestination(tx, id)
  // In this order: a job that ends in between has left its restore points by then.
  if (!(await hasOpenJobsIn(tx, id)) && !(await hasPointsIn(tx, id))) return
  const message = 'Backups are stored in this destination, or about to be: create a new one instead of moving it.'
  throw new RequestError('conflict', message)
}

/**
 * Retires a destination; what is stored in it stays.
 *
 * @throws {RequestError} If a plan still uses it.
 */
export async function retireDestination(context: Context, call: Call, id: string): Promise<void> {
  await getDestination(context, call, id)
  await inAuditedTransaction(context, call, async (tx) => {
    const plan = await nameOfAnyPlan(tx, { destinationId: id })
    if (plan !== undefined) {
      throw new RequestError('conflict', `The backup plan ${JSON.stringify(plan)} still uses this file destination.`)
    }
    await retireDestinations(tx, { id }, await readClock(tx))
  })
}

/**
 * Retires all destinations of an instance; what is stored in them stays.
 *
 * @throws {RequestError} If the instance still has a plan.
 */
export async function retireDestinationsOfInstance(context: Context, call: Call, instanceId: string): Promise<void> {
  await authorizeInstance(call, instanceId)
  await inAuditedTransaction(context, call, async (tx) => {
    const plan = await nameOfAnyPlan(tx, { instanceId })
    if (plan !== undefined) {
      throw new RequestError('conflict', `The backup plan ${JSON.stringify(plan)} still uses one of them.`)
    }
    await retireDestinations(tx, { instanceId }, await readClock(tx))
  })
}

import { stores } from '@osb-backup/storage'
import { authorizeInstance, type Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { FileDestination } from '../destinations/destination.ts'
import { requireOwnDirectory } from '../destinations/directories.ts'
import { lockDestination, lockDirectories, retireDestinations, updateDestination } from '../destinations/repository.ts'
import { requireMayChooseDirectory } from '../destinations/rules.ts'
import { checkStore, getAnyDestination, getDestination } from '../destinations/service.ts'
import { requireAllowedPlace } from '../floors/service.ts'
import { hasOpenJobsIn } from '../jobs/open-jobs-repository.ts'
import { isManaged } from '../plans/managed.ts'
import { nameOfAnyPlan } from '../plans/repository.ts'
import { newestSequenceIn } from '../restore-points/repository.ts'
import { changedMeanwhile, RequestError } from '../shared/request-error.ts'
import { isOtherServerOnly, verifyMovedStore } from './verify-moved-store.ts'

/**
 * Replaces name and settings of a destination, also of a retired one. One that restore points are stored in moves to another
 * address only after a sample of their objects was verified there.
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
  const stored = await getAnyDestination(context, call, destination.id)
  if (stored.managedBy !== undefined) throw isManaged('This destination', stored.managedBy)
  const isMoved = !stores.isSamePlace(stored.store, destination.store)
  if (isMoved) requireMayChooseDirectory(context, call, destination.store)
  await checkStore(context, destination.store)
  if (isMoved) await requireAllowedPlace(context, stored, destination.store)
  const newest = isMoved ? await newestSequenceIn(context, destination.id) : undefined
  if (newest !== undefined) {
    if (!isOtherServerOnly(stored.store, destination.store)) throw elsewhere()
    await verifyMovedStore(context, destination.id, destination.store)
  }
  const version = await inAuditedTransaction(context, call, async (tx) => {
    if (isMoved) {
      await lockDirectories(tx)
      await requireOwnDirectory(tx, destination)
      await requireUnchanged(tx, destination.id, newest)
    }
    // What was compared is what is replaced.
    const written = await updateDestination(tx, destination, isMoved ? (edited ?? stored.version) : edited)
    if (written === undefined) throw changedMeanwhile()
    return written
  })
  return { ...destination, version }
}

/** No job may store an object at the former address that was not looked for at the new one. */
async function requireUnchanged(tx: TransactionContext, id: string, newest: number | undefined): Promise<void> {
  await lockDestination(tx, id)
  // In this order: a job that ends in between has left its restore points by then.
  if (await hasOpenJobsIn(tx, id)) {
    throw new RequestError('conflict', 'A job uses this destination: move it when the job has ended.')
  }
  if ((await newestSequenceIn(tx, id)) !== newest) throw changedMeanwhile()
}

const elsewhere = () =>
  new RequestError(
    'conflict',
    'Backups are stored in this destination: only the address of its server can change. Create a new destination for another place.',
  )

/**
 * Retires a destination; what is stored in it stays.
 *
 * @throws {RequestError} If a plan still uses it.
 */
export async function retireDestination(context: Context, call: Call, id: string): Promise<void> {
  const { managedBy } = await getDestination(context, call, id)
  if (managedBy !== undefined) throw isManaged('This destination', managedBy)
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

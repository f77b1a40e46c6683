import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import type { AgentPlace } from '../instances/instance.ts'
import { claimSlot } from './claim-jobs.ts'
import type { BegunPart, JobLock, ReservedPlace } from './job.ts'
import {
  findWorkablePart,
  isReservationConflict,
  moveReservation,
  readBegunPart,
  reserveDatabase,
} from './reservations-repository.ts'
import { lockJob, setBegan } from './state-repository.ts'

/** How often in a row others may be faster; then the job is claimed again later. */
const MAX_ATTEMPTS = 10

/**
 * Begins the next part of a job whose database no other part works on, and reserves that database until the part has ended.
 * A part that has begun and is not being worked on comes first. A part holds one reservation and waits for none, so jobs
 * cannot wait for each other in a circle.
 *
 * @param running - The positions of the parts that the worker runs at the moment. If there are any, another one begins only if a
 *   slot is left for it.
 * @returns Undefined: there is nothing to do now. Either all parts have ended, or those that have not wait for other jobs, for
 *   their agent or for a slot.
 * @throws {JobLockLost} If another manager has the job locked.
 */
export async function beginNextPart(
  context: Pick<Context, 'database' | 'settings'>,
  lock: JobLock,
  running: readonly number[],
): Promise<BegunPart | undefined> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      return await inTransaction(context, async (tx) => {
        // Looking is cheap, and one lock serves all slots.
        const isAdditional = running.length > 0 && (await findWorkablePart(tx, lock.id, running))?.reservedAt === null
        if (isAdditional && !(await claimSlot(tx, lock.id))) return undefined
        await lockJob(tx, lock)
        const part = await findWorkablePart(tx, lock.id, running)
        if (part === undefined) return undefined
        const { position, reservedAt } = part
        if (reservedAt === null) await setBegan(tx, lock.id, await reserveDatabase(tx, lock.id, position))
        return await readBegunPart(tx, lock.id, position)
      })
    } catch (error) {
      if (!isReservationConflict(error)) throw error
    }
  }
  return undefined
}

/**
 * Moves a part that has begun, and of which nothing was started, to another agent of its instance. It keeps its reservation
 * until the new one is certain.
 *
 * @returns Undefined: another part works on the database there, or something of this one was started.
 * @throws {JobLockLost} If another manager has the job locked.
 */
export async function movePart(
  context: Pick<Context, 'database'>,
  lock: JobLock,
  position: number,
  place: AgentPlace,
): Promise<ReservedPlace | undefined> {
  try {
    return await inTransaction(context, async (tx) => {
      await lockJob(tx, lock)
      return moveReservation(tx, lock.id, position, place)
    })
  } catch (error) {
    if (isReservationConflict(error)) return undefined
    throw error
  }
}

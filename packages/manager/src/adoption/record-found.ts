import { createHash } from 'node:crypto'
import { reorderedPoints } from '@osb-backup/core'
import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { InTransaction } from '../database/transaction.ts'
import { type EndedJob, insertEndedJob, isJobOfOtherPlan } from '../jobs/history-repository.ts'
import { insertUsedName } from '../object-names/repository.ts'
import { setHeld } from '../restore-points/marks-repository.ts'
import * as order from '../restore-points/order-repository.ts'
import { insertPoint } from '../restore-points/repository.ts'
import { type NewRestorePoint, objectNameOf } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'

/** A backup job with the restore points that it left, none of which this manager has recorded. */
export interface FoundJob extends EndedJob {
  points: NewRestorePoint[]
}

export interface RecordOptions {
  /** Whether the restore points are held, so that retention does not delete at once what was just found. */
  hold: boolean
}

type RecordContext = Pick<Context, 'database'>

/**
 * Records a job that this manager did not run, with its restore points, in the place that their time gives them among those of
 * their items. Names that a restore point has by now are left alone.
 *
 * @returns The points that were recorded.
 */
export async function recordFoundJob(
  context: RecordContext,
  call: Call | undefined,
  found: FoundJob,
  { hold }: RecordOptions,
): Promise<NewRestorePoint[]> {
  return inAuditedTransaction(context, call, async (tx) => {
    await order.lockPointOrder(tx, found.instanceId)
    const { points, ...job } = await withOwnId(tx, found)
    const taken = await order.takenNames(tx, job.destinationId, points.map(objectNameOf))
    const wanted = points.filter((point) => !taken.has(objectNameOf(point)))
    await insertEndedJob(tx, job)
    const recorded: NewRestorePoint[] = []
    for (const point of wanted) {
      const stored = await recordPoint(tx, point, hold)
      if (stored !== undefined) recorded.push(stored)
    }
    await orderPoints(tx, job.instanceId, recorded)
    return recorded
  })
}

/** What is found in a store says which job it is of, and so could name one of another plan, or of another instance. */
async function withOwnId(tx: InTransaction<RecordContext>, found: FoundJob): Promise<FoundJob> {
  const [first] = found.points
  if (first === undefined || !(await isJobOfOtherPlan(tx, found))) return found
  const id = idOfObject(first)
  return { ...found, id, points: found.points.map((point) => ({ ...point, jobId: id })) }
}

async function recordPoint(
  tx: InTransaction<RecordContext>,
  found: NewRestorePoint,
  hold: boolean,
): Promise<NewRestorePoint | undefined> {
  // A job has one restore point of an item. Where it once had another one, the dump gets a job of its own: a new one each time, since
  // it may have been adopted and deleted before.
  const point = (await order.hasPointOf(tx, found)) ? { ...found, jobId: newIdentifier(await readClock(tx)) } : found
  if (!(await insertPoint(tx, { ...point, suspicious: false, usualSizeBytes: undefined }, point.takenAt)))
    return undefined
  if (hold) await setHeld(tx, point.id, true)
  await insertUsedName(tx, { prefix: point.prefix, name: point.filename })
  return point
}

/** Over all items of the instance, so that lists are in the order of time too. */
async function orderPoints(
  tx: InTransaction<RecordContext>,
  instanceId: string,
  recorded: readonly NewRestorePoint[],
): Promise<void> {
  if (recorded.length === 0) return
  const late = new Set(recorded.map((point) => point.id))
  await order.renumberPoints(tx, reorderedPoints(await order.pointOrderOf(tx, instanceId), late))
}

/** An id that is always the same for an object. */
export function idOfObject(point: Pick<NewRestorePoint, 'destinationId' | 'prefix' | 'filename'>): string {
  const text = JSON.stringify([point.destinationId, objectNameOf(point)])
  return createHash('sha256').update(text).digest('hex').slice(0, 24)
}

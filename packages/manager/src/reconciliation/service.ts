import type { Reconciliation } from '@osb-backup/protocol'
import {
  isManifestName,
  manifestName,
  type ObjectStore,
  type StoredObject,
  StoreError,
  stores,
} from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import type { FileDestination } from '../destinations/destination.ts'
import { openDestination, storeOptions } from '../destinations/open-destination.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { instantToWire } from '../http/legacy/wire/instant.ts'
import { prefixOfPlan } from '../jobs/job.ts'
import { openJobsOfPlans } from '../jobs/repository.ts'
import { recordVerification } from '../restore-points/repository.ts'
import type { RestorePoint, VerificationState } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'
import { plansOfDestination, pointsOfPlan } from './known.ts'

const MOST_SHOWN = 1000
const DEFAULT_AGE_HOURS = 24

/** What reconciling works with. */
export type ReconcileContext = Pick<Context, 'settings' | 'database' | 'now'>

export interface ReconcileOptions {
  remove: boolean
  olderThanHours?: number | undefined
  signal: AbortSignal
}

/**
 * Compares what lies in a destination, below the prefixes of plans that this manager knows, with its restore points. What
 * lies below other prefixes is somebody else's and is not looked at.
 *
 * Points whose object is missing, or has another size, are marked so. Objects that no point names and uploads that nobody
 * ends are removed only where the options say so, never what is so young that a job may be at it, and nothing of a plan
 * whose job is not over.
 *
 * @throws {RequestError} If the store cannot be listed.
 */
export async function reconcile(
  context: ReconcileContext,
  destination: FileDestination,
  { remove, olderThanHours = DEFAULT_AGE_HOURS, signal }: ReconcileOptions,
): Promise<Reconciliation> {
  await checkAllowed(destination.store, context)
  const store = openDestination(destination.store, context)
  const oldest = new Date(context.now().getTime() - olderThanHours * 3_600_000)
  const found = new Findings()
  try {
    for (const planId of await plansOfDestination(context, destination.id)) {
      const prefix = prefixOfPlan(planId)
      // A job may have stored what is not recorded yet, however long ago. Asked before the points are read: a job that
      // ends in between has its point among them.
      const isBusy = (await openJobsOfPlans(context.database, [planId])).has(planId)
      const mayRemove = remove && !isBusy
      const points = await pointsOfPlan(context, planId)
      const named = new Set(points.flatMap((point) => [nameOf(point), manifestName(nameOf(point))]))
      const seen = new Map<string, number>()
      for await (const object of store.list(prefix, { signal })) {
        if (!isManifestName(object.name)) found.objects++
        if (named.has(object.name)) seen.set(object.name, object.sizeBytes)
        else if (object.modifiedAt < oldest) {
          found.orphans.add({
            ...orphan(object),
            ...(await removed(mayRemove, () => removeOrphan(context, store, planId, object.name, signal))),
          })
        }
      }
      const ofThis = points.filter((point) => point.destinationId === destination.id && point.removal === undefined)
      for (const point of ofThis) await checkPoint(context, store, point, seen.get(nameOf(point)), found, signal)
      const options = storeOptions(context)
      for await (const { name, startedAt } of stores.listIncompleteUploads(destination.store, prefix, {
        ...options,
        signal,
      })) {
        if (startedAt >= oldest) continue
        const undo = () =>
          stores.removeIncompleteUpload(destination.store, { name, since: startedAt }, { ...options, signal })
        found.unfinished.add({ name, startedAt: instantToWire(startedAt), ...(await removed(mayRemove, undo)) })
      }
    }
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    throw new RequestError('conflict', `The destination could not be reconciled: ${cause.message}`, { cause })
  }
  return found.toWire()
}

/** Looked up once more: a job that began since may have stored it. */
async function removeOrphan(
  context: ReconcileContext,
  store: ObjectStore,
  planId: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await openJobsOfPlans(context.database, [planId])).has(planId)) return
  const points = await pointsOfPlan(context, planId)
  if (points.some((point) => nameOf(point) === name || manifestName(nameOf(point)) === name)) return
  await store.remove(name, { signal })
}

const nameOf = (point: RestorePoint) => point.prefix + point.filename

const orphan = ({ name, sizeBytes, modifiedAt }: StoredObject) => ({
  name,
  sizeBytes,
  modifiedAt: instantToWire(modifiedAt),
})

async function removed(remove: boolean, act: () => Promise<void>): Promise<{ removed: boolean; error?: string }> {
  if (!remove) return { removed: false }
  try {
    await act()
    return { removed: true }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return { removed: false, error: error.message }
  }
}

/** A list may lag behind, so a point that is not in it is looked up before anything is said of it. */
async function checkPoint(
  context: ReconcileContext,
  store: ObjectStore,
  point: RestorePoint,
  listedSize: number | undefined,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  if (listedSize === point.sizeBytes) return
  const sizeBytes = (await store.head(nameOf(point), { signal }))?.sizeBytes
  if (sizeBytes === point.sizeBytes) return
  const state = (sizeBytes === undefined ? 'missing' : 'damaged') satisfies VerificationState
  await recordVerification(context, point.id, state, context.now())
  found.pointless.add({ id: point.id, name: nameOf(point), state })
}

/** Counts all, keeps the first. */
class Findings {
  objects = 0
  readonly orphans = new Shown<Reconciliation['objectsWithoutRestorePoint'][number]>()
  readonly unfinished = new Shown<Reconciliation['unfinishedUploads'][number]>()
  readonly pointless = new Shown<Reconciliation['restorePointsWithoutObject'][number]>()

  toWire(): Reconciliation {
    return {
      objects: this.objects,
      objectsWithoutRestorePoint: this.orphans.entries,
      unfinishedUploads: this.unfinished.entries,
      restorePointsWithoutObject: this.pointless.entries,
      totals: {
        objectsWithoutRestorePoint: this.orphans.total,
        unfinishedUploads: this.unfinished.total,
        restorePointsWithoutObject: this.pointless.total,
      },
    }
  }
}

class Shown<T> {
  readonly entries: T[] = []
  total = 0

  add(entry: T): void {
    this.total++
    if (this.entries.length < MOST_SHOWN) this.entries.push(entry)
  }
}

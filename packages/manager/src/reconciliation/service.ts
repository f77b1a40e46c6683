import { isManifestName, manifestName, type StoredObject, StoreError, stores } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import { requirePermission } from '../access/limits.ts'
import { recordCall } from '../audit/service.ts'
import { readClockState } from '../clock/service.ts'
import { readClock } from '../database/clock.ts'
import type { FileDestination } from '../destinations/destination.ts'
import { openDestination, storeOptions } from '../destinations/open-destination.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { getAnyDestination } from '../destinations/service.ts'
import { prefixOfPlan } from '../jobs/job.ts'
import { openJobsOfPlans } from '../jobs/open-jobs-repository.ts'
import { planIdsOfJobsIn } from '../jobs/repository.ts'
import { planIdsOfDestination } from '../plans/repository.ts'
import { clearMissing, recordVerification } from '../restore-points/marks-repository.ts'
import { planIdsWithPointsIn, pointsOf } from '../restore-points/repository.ts'
import { objectNameOf, type RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'
import { adoptOrphans } from './adopt-orphans.ts'
import type { ReconcileContext, ReconcileOptions, Reconciling } from './reconcile-context.ts'
import { Findings, type Reconciliation } from './reconciliation.ts'

const DEFAULT_AGE_HOURS = 24

/**
 * Compares the objects in a destination, below the prefixes of plans that this manager knows, with its restore points.
 * Objects below other prefixes are not the manager's and are ignored.
 *
 * Restore points whose object is missing, or has another size, are marked. Orphans and incomplete uploads are removed only
 * where the options say so, never those so young that a job may be writing them, and none of a plan with an open job.
 *
 * @throws {RequestError} If the store cannot be listed.
 */
export async function reconcile(
  context: ReconcileContext,
  call: Call,
  destinationId: string,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  checkOptions(options)
  const destination = await getAnyDestination(context, call, destinationId)
  if (options.remove) requirePermission(call, 'delete-backups', 'Removing orphans')
  await checkAllowed(destination.store, context)
  // Before anything is removed: what is not in the audit log does not happen.
  await recordCall(context, call, call.audit.status)
  call.audit.isRecorded = true
  return reconcileDestination(context, destination, options)
}

/** As `reconcile`, for callers that were authorized and recorded already. */
export async function reconcileDestination(
  context: ReconcileContext,
  destination: FileDestination,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  await checkAllowed(destination.store, context)
  const store = openDestination(destination.store, context)
  const { olderThanHours = DEFAULT_AGE_HOURS } = options
  const { now, jump } = await readClockState(context)
  if (options.remove && jump !== undefined) {
    const message = "PostgreSQL's clock was set, so nothing is removed by age: confirm the clock first."
    throw new RequestError('conflict', message)
  }
  const oldest = new Date(now.getTime() - olderThanHours * 3_600_000)
  const found: Reconciliation = {
    objects: 0,
    orphans: new Findings(),
    incompleteUploads: new Findings(),
    adopted: new Findings(),
    notAdopted: new Findings(),
    brokenPoints: new Findings(),
    hiddenVersions: { versions: 0, deleteMarkers: 0, sizeBytes: 0 },
    notListed: [],
  }
  const reconciling = { context, destination, store, options, oldest, found }
  try {
    for (const planId of await planIdsIn(context, destination.id)) await reconcilePlan(reconciling, planId)
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    throw new RequestError('conflict', `The destination could not be reconciled: ${cause.message}`, { cause })
  }
  return found
}

/** @throws {RequestError} If orphans are to be both removed and adopted. */
export function checkOptions({ remove, adopt }: Pick<ReconcileOptions, 'remove' | 'adopt'>): void {
  if (!remove || !adopt) return
  throw new RequestError('invalid', 'Either remove orphans or adopt them.', { field: 'adopt' })
}

/** The plans that store in a destination, or once did. */
async function planIdsIn(context: ReconcileContext, destinationId: string): Promise<string[]> {
  const ids = await Promise.all([
    planIdsOfDestination(context, destinationId),
    planIdsWithPointsIn(context, destinationId),
    planIdsOfJobsIn(context, destinationId),
  ])
  return [...new Set(ids.flat())].sort()
}

async function reconcilePlan(reconciling: Reconciling, planId: string): Promise<void> {
  const { context, destination, store, options, oldest, found } = reconciling
  const { signal } = options
  const prefix = prefixOfPlan(planId)
  // A job may have stored an object that is not recorded yet, however long ago. Read before the restore points: a job that
  // ends in between has its restore point among them.
  const isBusy = (await openJobsOfPlans(context, [planId])).has(planId)
  const mayRemove = options.remove && !isBusy
  const points = await pointsOf(context, { planId })
  const named = new Set(points.flatMap(objectNamesOf))
  const sizes = new Map<string, number>()
  const orphans: StoredObject[] = []
  for await (const object of store.list(prefix, { signal })) {
    if (!isManifestName(object.name)) found.objects++
    if (named.has(object.name)) sizes.set(object.name, object.sizeBytes)
    else if (object.modifiedAt < oldest) {
      if (options.adopt && !isBusy) orphans.push(object)
      else await handleOrphan(reconciling, planId, object, mayRemove)
    }
  }
  const adopted = await adoptOrphans(reconciling, planId, orphans)
  for (const object of orphans) {
    if (!adopted.has(object.name)) await handleOrphan(reconciling, planId, object, false)
  }
  const ofThis = points.filter((point) => point.destinationId === destination.id && point.removal === undefined)
  for (const point of ofThis) await checkPoint(reconciling, point, sizes.get(objectNameOf(point)))
  await listIfPossible(found, 'incompleteUploads', () => reconcileUploads(reconciling, prefix, mayRemove, named))
  // Last, so that what was removed before counts.
  await listIfPossible(found, 'hiddenVersions', () => countHiddenVersions(reconciling, prefix))
}

/** Lists something that a store may not list: it has no such request, or the credentials do not allow it. */
async function listIfPossible(
  { notListed }: Reconciliation,
  what: Reconciliation['notListed'][number]['what'],
  list: () => Promise<void>,
): Promise<void> {
  if (notListed.some((each) => each.what === what)) return
  try {
    await list()
  } catch (error) {
    if (!(error instanceof StoreError) || error.retryable) throw error
    notListed.push({ what, problem: error.message })
  }
}

/** @param named - Names of restore points: a store that does not find such an object for a moment would lose its segments. */
async function reconcileUploads(
  { context, destination, options, oldest, found }: Reconciling,
  prefix: string,
  mayRemove: boolean,
  named: ReadonlySet<string>,
): Promise<void> {
  const access = { ...storeOptions(context), signal: options.signal }
  for await (const { startedAt, ...upload } of stores.listIncompleteUploads(destination.store, prefix, access)) {
    if (startedAt >= oldest) continue
    const remove = async () => {
      if (named.has(upload.name)) throw new StoreError('exists', 'It is kept: a restore point has this name.')
      await stores.removeIncompleteUpload(destination.store, { ...upload, since: startedAt }, access)
    }
    found.incompleteUploads.add({ name: upload.name, startedAt, ...(await tryToRemove(mayRemove, remove)) })
  }
}

async function countHiddenVersions(
  { context, destination, options, found: { hiddenVersions } }: Reconciling,
  prefix: string,
): Promise<void> {
  const access = { ...storeOptions(context), signal: options.signal }
  for await (const { sizeBytes, isDeleteMarker } of stores.listHiddenVersions(destination.store, prefix, access)) {
    if (isDeleteMarker) hiddenVersions.deleteMarkers++
    else hiddenVersions.versions++
    hiddenVersions.sizeBytes += sizeBytes
  }
}

const objectNamesOf = (point: RestorePoint) => [objectNameOf(point), manifestName(objectNameOf(point))]

async function handleOrphan(
  reconciling: Reconciling,
  planId: string,
  { name, sizeBytes, modifiedAt }: StoredObject,
  mayRemove: boolean,
): Promise<void> {
  const removed = await tryToRemove(mayRemove, () => removeOrphan(reconciling, planId, name))
  reconciling.found.orphans.add({ name, sizeBytes, modifiedAt, ...removed })
}

/** Jobs and restore points are read once more: a job that began since may have stored the object. */
async function removeOrphan(
  { context, store, options, oldest }: Reconciling,
  planId: string,
  name: string,
): Promise<void> {
  if ((await openJobsOfPlans(context, [planId])).has(planId)) return
  const points = await pointsOf(context, { planId })
  if (points.some((point) => objectNamesOf(point).includes(name))) return
  // What is stored under the name by now may be newer than what was listed.
  const found = await store.head(name, { signal: options.signal })
  if (found !== undefined && found.modifiedAt < oldest) await store.removeIfSame(found, { signal: options.signal })
}

async function tryToRemove(
  mayRemove: boolean,
  remove: () => Promise<void>,
): Promise<{ removed: boolean; error?: string }> {
  if (!mayRemove) return { removed: false }
  try {
    await remove()
    return { removed: true }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return { removed: false, error: error.message }
  }
}

/**
 * A list may be stale, so the object of a point that is not in it is looked up before the point is marked. One that is found
 * again is no longer missing.
 */
async function checkPoint(
  { context, store, options, found }: Reconciling,
  point: RestorePoint,
  listedSize: number | undefined,
): Promise<void> {
  const isListed = listedSize === point.sizeBytes
  const stored = isListed ? point : await store.head(objectNameOf(point), { signal: options.signal })
  const sizeBytes = stored?.sizeBytes
  if (sizeBytes === point.sizeBytes) {
    if (point.verification?.state === 'missing') await clearMissing(context, point.id)
    return
  }
  const state = sizeBytes === undefined ? 'missing' : 'damaged'
  await recordVerification(context, point.id, state, await readClock(context))
  found.brokenPoints.add({ id: point.id, name: objectNameOf(point), state })
}

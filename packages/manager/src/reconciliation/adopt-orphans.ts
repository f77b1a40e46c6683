import { isManifestName, manifestName, type StoredObject } from '@osb-backup/storage'
import { objectOfManifest, pointOfDump, readFoundDump } from '../adoption/found-dump.ts'
import { idOfObject, recordFoundJob } from '../adoption/record-found.ts'
import { readClock } from '../database/clock.ts'
import { prefixOfPlan } from '../jobs/job.ts'
import { openJobsOfPlans } from '../jobs/open-jobs-repository.ts'
import { plansById } from '../plans/service.ts'
import type { NewRestorePoint } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { Reconciling } from './reconcile-context.ts'

/** A dump that can be adopted. */
interface Adoptable {
  point: NewRestorePoint
  endedAt: Date
}

/**
 * Turns orphans of a plan that have a manifest into restore points, which are held: retention would otherwise delete them where
 * it keeps no others of their age. The objects stay as they are.
 *
 * @returns The names of the objects and manifests that are no orphans any more.
 */
export async function adoptOrphans(
  reconciling: Reconciling,
  planId: string,
  orphans: readonly StoredObject[],
): Promise<Set<string>> {
  const { context, found } = reconciling
  const adopted = new Set<string>()
  const plan = (await plansById(context, [planId])).get(planId)
  const adoptables: Adoptable[] = []
  for (const { name } of orphans.filter((each) => isManifestName(each.name))) {
    const read = await readAdoptable(reconciling, planId, objectOfManifest(name), plan?.compression ?? false)
    if ('problem' in read) found.notAdopted.add({ name: objectOfManifest(name), problem: read.problem })
    else adoptables.push(read)
  }
  const byJob = Map.groupBy(adoptables, ({ point }) => point.jobId)
  for (const [jobId, dumps] of byJob) {
    // A job that began since may be about to record them.
    if ((await openJobsOfPlans(context, [planId])).has(planId)) break
    for (const point of await recordDumps(reconciling, jobId, dumps)) {
      const name = point.prefix + point.filename
      found.adopted.add({ id: point.id, name, item: point.item })
      adopted.add(name).add(manifestName(name))
    }
  }
  return adopted
}

async function readAdoptable(
  { context, store, destination, options }: Reconciling,
  planId: string,
  name: string,
  compression: boolean,
): Promise<Adoptable | { problem: string }> {
  const prefix = prefixOfPlan(planId)
  const filename = name.slice(prefix.length)
  if (filename === '' || filename.includes('/')) return { problem: 'It is not where an agent stores a dump.' }
  const dump = await readFoundDump(store, name, options.signal)
  if ('problem' in dump) return dump
  const { instance, plan, storedAt } = dump.manifest
  if (instance?.id !== undefined && instance.id !== destination.instanceId) {
    return { problem: `It is of the service instance ${JSON.stringify(instance.id)}, not of that of the destination.` }
  }
  if (plan?.id !== undefined && plan.id !== planId) {
    return { problem: `It is of the plan ${JSON.stringify(plan.id)}, whose objects are elsewhere.` }
  }
  const now = await readClock(context)
  const owner = { id: newIdentifier(now), instanceId: destination.instanceId, planId, destinationId: destination.id }
  const jobId = idOfObject({ destinationId: destination.id, prefix, filename })
  const point = pointOfDump(dump, { ...owner, compression, jobId, now })
  const endedAtMs = Math.min(Date.parse(storedAt), dump.object.modifiedAt.getTime())
  return { point, endedAt: new Date(Math.max(endedAtMs, point.takenAt.getTime())) }
}

function recordDumps({ context }: Reconciling, jobId: string, dumps: readonly Adoptable[]): Promise<NewRestorePoint[]> {
  const [first, ...others] = dumps.map(({ point }) => point)
  if (first === undefined) return Promise.resolve([])
  const points = [first, ...others]
  const { instanceId, planId, destinationId, compressionRequested: compression } = first
  return recordFoundJob(
    context,
    undefined,
    {
      ...{ id: jobId, instanceId, planId, destinationId, compression, publicKey: undefined, points },
      status: 'SUCCEEDED',
      startedAt: new Date(Math.min(...points.map((point) => point.takenAt.getTime()))),
      endedAt: new Date(Math.max(...dumps.map((dump) => dump.endedAt.getTime()))),
      parts: points.map((point) => ({ item: point.item, status: 'SUCCEEDED', object: point, error: undefined })),
    },
    { hold: true },
  )
}

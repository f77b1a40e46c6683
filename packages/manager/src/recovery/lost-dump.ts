import { type FoundDump, pointOfDump } from '../adoption/found-dump.ts'
import { idOfObject } from '../adoption/record-found.ts'
import { prefixOfPlan } from '../jobs/job.ts'
import type { Import } from '../migration/import-context.ts'
import type { NewRestorePoint } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'

/** A recovery in progress. */
export interface Recovery extends Omit<Import, 'instances' | 'plans'> {
  /** The plans that were created by this recovery. */
  created: Set<string>
}

/** A dump with what its manifest says of the plan and the host. */
export interface LostDump {
  /** In a destination that is not known yet. */
  point: NewRestorePoint
  endedAt: Date
  planName: string | undefined
  host: string | undefined
}

/** A dump as it can be recovered; or why it cannot. Does not keep the manifest, which is large for a large object. */
export function lostDumpOf(
  { now }: Recovery,
  found: FoundDump,
  instances: readonly string[] | undefined,
): LostDump | { problem: string } {
  const { manifest, name } = found
  const [instanceId, planId] = [manifest.instance?.id, manifest.plan?.id]
  if (instanceId === undefined || planId === undefined) {
    return { problem: 'Its manifest does not say of which service instance and plan it is.' }
  }
  if (instances !== undefined && !instances.includes(instanceId)) {
    return {
      problem: `It is of the service instance ${JSON.stringify(instanceId)}, which is not expected in this store.`,
    }
  }
  const filename = name.slice(prefixOfPlan(planId).length)
  if (name !== prefixOfPlan(planId) + filename || filename === '' || filename.includes('/')) {
    return { problem: `It is of the plan ${JSON.stringify(planId)}, whose objects are elsewhere.` }
  }
  // Replaced by the id of the destination: until then the name alone.
  const jobId = idOfObject({ destinationId: '', prefix: prefixOfPlan(planId), filename })
  const owner = { id: newIdentifier(now), instanceId, planId, destinationId: '', compression: false, jobId, now }
  const point = pointOfDump(found, owner)
  const endedAtMs = Math.min(Date.parse(manifest.storedAt), found.object.modifiedAt.getTime())
  const endedAt = new Date(Math.max(endedAtMs, point.takenAt.getTime()))
  return { point, endedAt, planName: manifest.plan?.name?.slice(0, 200), host: manifest.host?.slice(0, 255) }
}

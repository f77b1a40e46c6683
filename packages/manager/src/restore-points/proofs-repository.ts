import { type InstanceRange, isOfInstances } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'

/** What drills found out about an item. */
export interface ItemProof {
  instanceId: string
  item: string
  /** Since when it has restore points. */
  knownSince: Date
  /** When a drill last proved that it can be restored, from what, and how long that took. */
  provenAt: Date | undefined
  provenPointTakenAt: Date | undefined
  provenByJobId: string | undefined
  recoverySeconds: number | undefined
  /** The last drill, passed or not. */
  lastDrill: { jobId: string; at: Date; failure: string | undefined } | undefined
}

/** What drills found out about the items of instances. */
export async function proofsByItem(
  { database }: { database: Database },
  instances: readonly string[] | InstanceRange,
): Promise<ItemProof[]> {
  const rows = await database
    .selectFrom('restorable_items')
    .selectAll()
    .where(isOfInstances('instance_id', instances))
    .execute()
  return rows.map((row) => ({
    instanceId: row.instance_id,
    item: row.item,
    knownSince: row.known_since,
    provenAt: row.proven_at ?? undefined,
    provenPointTakenAt: row.proven_point_taken_at ?? undefined,
    provenByJobId: row.proven_by_job_id ?? undefined,
    recoverySeconds: row.recovery_seconds ?? undefined,
    lastDrill:
      row.drill_job_id === null || row.drilled_at === null
        ? undefined
        : { jobId: row.drill_job_id, at: row.drilled_at, failure: row.drill_failure ?? undefined },
  }))
}

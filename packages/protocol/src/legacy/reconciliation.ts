import { z } from 'zod'
import { lenientBoolean, lenientInteger, optional } from './lenient.ts'

/** `POST /fileDestinations/{id}/reconcile`: compares what lies in a destination with the restore points that name it. */
export const reconcileRequestSchema = z.object({
  /** Removes objects without a restore point, and unfinished uploads. Otherwise they are listed only. */
  remove: optional(lenientBoolean),
  /** What is younger may belong to a job that runs, and is neither listed nor removed. */
  olderThanHours: optional(lenientInteger(0, 100_000)),
})
export type ReconcileRequest = z.infer<typeof reconcileRequestSchema>

const found = { name: z.string(), removed: z.boolean(), error: z.string().optional() }

/** What it found; of each kind the first 1,000 are shown. */
export const reconciliationSchema = z.object({
  /** How many objects were looked at, below the prefixes of plans of this manager. */
  objects: z.int(),
  objectsWithoutRestorePoint: z.array(z.object({ ...found, sizeBytes: z.number(), modifiedAt: z.string() })),
  unfinishedUploads: z.array(z.object({ ...found, startedAt: z.string() })),
  /** Their verification says `missing` or `damaged` from now on. */
  restorePointsWithoutObject: z.array(
    z.object({ id: z.string(), name: z.string(), state: z.enum(['missing', 'damaged']) }),
  ),
  /** How many there were of each kind. */
  totals: z.object({
    objectsWithoutRestorePoint: z.int(),
    unfinishedUploads: z.int(),
    restorePointsWithoutObject: z.int(),
  }),
})
export type Reconciliation = z.infer<typeof reconciliationSchema>

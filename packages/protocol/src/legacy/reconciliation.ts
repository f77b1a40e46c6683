import { z } from 'zod'
import { about } from '../about.ts'
import { lenientBoolean, lenientInteger, optional } from './lenient.ts'

/** `POST /fileDestinations/{id}/reconcile`: compares what lies in a destination with the restore points that name it. */
export const reconcileRequestSchema = z.object({
  /** Removes objects without a restore point, and unfinished uploads. Otherwise they are listed only. */
  remove: optional(lenientBoolean).meta(about('Removes orphans', true)),
  /** What is younger may belong to a job that runs, and is neither listed nor removed. */
  olderThanHours: optional(lenientInteger(0, 100_000)).meta(about('Younger objects are skipped', 24)),
})
export type ReconcileRequest = z.infer<typeof reconcileRequestSchema>

const found = {
  name: z.string().meta(about('Name of the object', '69a3a7c0f1d2b3c4d5e6f708/10.0.0.5_2026_03_01_shop.dump.zst')),
  removed: z.boolean().meta(about('Whether it was removed', true)),
  error: z.string().optional().meta(about('Why that failed', 's3://backups cannot be reached.')),
}

/** What it found; of each kind the first 1,000 are shown. */
export const reconciliationSchema = z.object({
  /** How many objects were compared, below the prefixes of plans of this manager. */
  objects: z.int().meta(about('Objects that were compared', 14)),
  objectsWithoutRestorePoint: z.array(
    z.object({
      ...found,
      sizeBytes: z.number().meta(about('Size', 1024)),
      modifiedAt: z.string().meta(about('When it was last written', '2026-03-01T02:00:00.000+00:00')),
    }),
  ),
  unfinishedUploads: z.array(
    z.object({ ...found, startedAt: z.string().meta(about('When it was started', '2026-03-01T02:00:00.000+00:00')) }),
  ),
  /** Their verification says `missing` or `damaged` from now on. */
  restorePointsWithoutObject: z.array(
    z.object({
      id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
      name: z.string().meta(about('Name of the object', '69a3a7c0f1d2b3c4d5e6f708/10.0.0.5_2026_03_01_shop.dump.zst')),
      state: z.enum(['missing', 'damaged']).meta(about('What was found', 'missing')),
    }),
  ),
  /** How many there were of each kind. */
  totals: z.object({
    objectsWithoutRestorePoint: z.int().meta(about('Number of orphans', 0)),
    unfinishedUploads: z.int().meta(about('Number of incomplete uploads', 0)),
    restorePointsWithoutObject: z.int().meta(about('Number of restore points without an object', 0)),
  }),
})
export type Reconciliation = z.infer<typeof reconciliationSchema>

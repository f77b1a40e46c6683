import { z } from 'zod'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, idSchema, instantSchema } from './schema.ts'

/** `POST /v1/destinations/{id}/reconcile`: starts to compare what a destination holds with its restore points. */
export const reconcileSchema = z.strictObject({
  remove: z
    .boolean()
    .optional()
    .meta(about('Removes orphans and incomplete uploads; otherwise they are only listed', false)),
  adopt: z
    .boolean()
    .optional()
    .meta(about('Turns orphans that have a manifest into restore points on hold; excludes `remove`', false)),
  olderThanSeconds: z
    .int()
    .min(0)
    .max(360_000_000)
    .optional()
    .meta(about('Younger objects may belong to a running job and are skipped; a day by default', 86_400)),
})
export type Reconcile = z.infer<typeof reconcileSchema>

const found = {
  name: z.string().meta(about('Name of the object', `${EXAMPLE_ID}/2026_03_01_02_00_10.0.0.5_shop.dump.zst`)),
  removed: z.boolean().meta(about('Whether it was removed', false)),
  error: z.string().optional().meta(about('Why it could not be removed', 'The store refuses: Access Denied.')),
}

/** What reconciling found; of each kind the first 1,000 are listed. */
const findingsSchema = z.object({
  objectCount: z.int().meta(about('Objects below the prefixes of plans of this manager', 14)),
  orphans: z
    .array(
      z.object({
        ...found,
        sizeBytes: z.int().meta(about('Its size', 1024)),
        modifiedAt: instantSchema.meta(about('When it was last written', EXAMPLE_INSTANT)),
      }),
    )
    .meta({ description: 'Objects without a restore point' }),
  incompleteUploads: z
    .array(z.object({ ...found, startedAt: instantSchema.meta(about('When it was started', EXAMPLE_INSTANT)) }))
    .meta({ description: 'Uploads that were never completed' }),
  missing: z
    .array(
      z.object({
        restorePointId: idSchema.meta(about('The restore point', EXAMPLE_ID)),
        name: found.name,
        state: z.enum(['missing', 'damaged']).meta(about('Its verification state from now on', 'missing')),
      }),
    )
    .meta({ description: 'Restore points whose object is missing or has another size' }),
  adopted: z
    .array(
      z.object({
        restorePointId: idSchema.meta(about('The restore point that was recorded', EXAMPLE_ID)),
        name: found.name,
        item: z.string().meta(about('What it is a dump of', 'shop')),
      }),
    )
    .meta({ description: 'Objects that became restore points' }),
  notAdopted: z
    .array(
      z.object({
        name: found.name,
        problem: z.string().meta(about('Why it cannot be adopted', 'There is a manifest, but no object.')),
      }),
    )
    .meta({ description: 'Objects with a manifest that did not become restore points' }),
  orphanCount: z.int().meta(about('Number of orphans', 0)),
  incompleteUploadCount: z.int().meta(about('Number of incomplete uploads', 0)),
  adoptedCount: z.int().meta(about('Number of objects that became restore points', 0)),
  notAdoptedCount: z.int().meta(about('Number of objects that could not become restore points', 0)),
  missingCount: z.int().meta(about('Number of restore points without an intact object', 0)),
  hiddenVersionCount: z
    .int()
    .meta(about('Older versions that deleted and replaced objects left in a bucket with versions', 0)),
  hiddenVersionBytes: z.int().meta(about('What these versions occupy', 0)),
  deleteMarkerCount: z.int().meta(about('Delete markers in a bucket with versions', 0)),
  notListed: z
    .array(
      z.object({
        what: z
          .enum(['incompleteUploads', 'hiddenVersions'])
          .meta(about('What is missing in these findings', 'incompleteUploads')),
        problem: z
          .string()
          .meta(
            about(
              'Why the store does not list it',
              'Could not list incomplete uploads to backups: this store does not support that (NotImplemented, 501).',
            ),
          ),
      }),
    )
    .meta({ description: 'What the store does not list; the rest was reconciled without it' }),
})

/** A comparison of what a destination holds with its restore points, which runs in the background. */
export const reconciliationSchema = z.object({
  id: idSchema.meta(about('Id of the reconciliation', EXAMPLE_ID)),
  destinationId: idSchema.meta(about('What is reconciled', EXAMPLE_ID)),
  instanceId: idSchema.meta(about('The instance of the destination', 'shop-db')),
  state: z
    .enum(['queued', 'running', 'succeeded', 'failed', 'cancelled'])
    .meta(about('Succeeded, failed and cancelled are final', 'succeeded')),
  remove: z.boolean().meta(about('Whether orphans and incomplete uploads are removed', false)),
  adopt: z.boolean().meta(about('Whether orphans become restore points', false)),
  olderThanSeconds: z.int().optional().meta(about('Younger objects are skipped', 86_400)),
  createdAt: instantSchema.meta(about('When it was requested', EXAMPLE_INSTANT)),
  startedAt: instantSchema.optional().meta(about('When it began to run', EXAMPLE_INSTANT)),
  endedAt: instantSchema.optional().meta(about('When it ended', EXAMPLE_INSTANT)),
  error: z.string().optional().meta(about('Why it failed', 'The destination could not be reconciled: Access Denied.')),
  findings: findingsSchema.optional().meta({ description: 'What was found, once it has succeeded' }),
})
export type Reconciliation = z.infer<typeof reconciliationSchema>

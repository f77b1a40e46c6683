import { z } from 'zod'
import { mergePatchSchema } from './merge-patch.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  filterFields,
  idSchema,
  instantSchema,
  pagingFields,
  searchField,
} from './schema.ts'
import { storeKinds, storeSchema, storeSettingsSchema } from './stores.ts'

const settingsFields = {
  name: z.string().min(1).max(200).meta(about('A name for people, unique within the instance', 'nightly store')),
  bandwidthLimitBytesPerSecond: z
    .int()
    .min(1)
    .optional()
    .meta(about('What all transfers of this destination at one agent may take together', 50_000_000)),
}
const instanceId = idSchema.meta(about('The service instance that it belongs to', 'shop-db'))

/** A destination as it can be written once it has an id. */
export const destinationSettingsSchema = z.strictObject({
  ...settingsFields,
  store: storeSettingsSchema.meta({ description: 'Where the bytes are stored, and the credentials' }),
})
export type DestinationSettings = z.infer<typeof destinationSettingsSchema>

/** `POST /v1/destinations`, and `POST /v1/destinations/check`, which stores nothing. */
export const destinationCreateSchema = destinationSettingsSchema.extend({ instanceId })
export type DestinationCreate = z.infer<typeof destinationCreateSchema>

/** `PATCH /v1/destinations/{id}`. `store.kind` is required to change anything of the store, and stays what it is. */
export const destinationPatchSchema = mergePatchSchema(destinationSettingsSchema)
export type DestinationPatch = z.infer<typeof destinationPatchSchema>

/** A destination in an answer. */
export const destinationSchema = z.object({
  id: idSchema.meta(about('Id of the destination', EXAMPLE_ID)),
  instanceId,
  ...settingsFields,
  store: storeSchema.meta({ description: 'Where the bytes are stored' }),
  createdAt: instantSchema.meta(about('When it was created', EXAMPLE_INSTANT)),
})
export type Destination = z.infer<typeof destinationSchema>

/** `GET /v1/destinations`. */
export const destinationQuerySchema = z.strictObject({
  ...pagingFields,
  instance: filterFields.instance,
  kind: z.enum(storeKinds).optional().meta(about('Only stores of this kind', 's3')),
  q: searchField('the name'),
})
export type DestinationQuery = z.input<typeof destinationQuerySchema>

/** Answer to a check: the destination was written, read back and removed from. */
export const destinationCheckSchema = z.object({
  usable: z.literal(true).meta(about('An object was written, read back and removed', true)),
  durationSeconds: z.number().meta(about('How long that took', 0.4)),
})
export type DestinationCheck = z.infer<typeof destinationCheckSchema>

/** `POST /v1/destinations/{id}/reconcile`: compares what a destination holds with its restore points. */
export const reconcileSchema = z.strictObject({
  remove: z
    .boolean()
    .optional()
    .meta(about('Removes orphans and incomplete uploads; otherwise they are only listed', false)),
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
  removed: z.boolean().meta(about('It was removed', false)),
  error: z.string().optional().meta(about('Why it could not be removed', 'The store refuses: Access Denied.')),
}

/** What reconciling found; of each kind the first 1,000 are listed. */
export const reconciliationSchema = z.object({
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
  orphanCount: z.int().meta(about('How many orphans there are', 0)),
  incompleteUploadCount: z.int().meta(about('How many incomplete uploads there are', 0)),
  missingCount: z.int().meta(about('How many restore points have no intact object', 0)),
})
export type Reconciliation = z.infer<typeof reconciliationSchema>

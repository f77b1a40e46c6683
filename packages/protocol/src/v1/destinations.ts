import { z } from 'zod'
import { mergePatchSchema } from './merge-patch.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  filterFields,
  idSchema,
  instantSchema,
  labelField,
  managedByField,
  pagingFields,
  searchField,
} from './schema.ts'
import { storeKinds, storeSchema, storeSettingsSchema } from './stores.ts'

const settingsFields = {
  name: z.string().min(1).max(200).meta(about('A name for people, unique within the instance', 'nightly store')),
  label: labelField,
  bandwidthLimitBytesPerSecond: z
    .int()
    .min(1)
    .optional()
    .meta(about('Limit on the bandwidth of all transfers of this destination at one agent together', 50_000_000)),
  quotaBytes: z
    .int()
    .min(1)
    .optional()
    .meta(about('How many bytes may be stored; only trends compare with it', 1_000_000_000_000)),
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
  managedBy: managedByField,
  createdAt: instantSchema.meta(about('When it was created', EXAMPLE_INSTANT)),
  retiredAt: instantSchema
    .optional()
    .meta(about('When it was deleted; restore points may still be stored in it', EXAMPLE_INSTANT)),
})
export type Destination = z.infer<typeof destinationSchema>

/** `GET /v1/destinations`. */
export const destinationQuerySchema = z.strictObject({
  ...pagingFields,
  instance: filterFields.instance,
  kind: z.enum(storeKinds).optional().meta(about('Only stores of this kind', 's3')),
  retired: z.enum(['true', 'false']).optional().meta(about('Deleted destinations (`true`) or those in use', 'false')),
  q: searchField('the name'),
})
export type DestinationQuery = z.input<typeof destinationQuerySchema>

/** Answer to a check: the destination was written, read back and removed from. */
export const destinationCheckSchema = z.object({
  usable: z.literal(true).meta(about('Whether an object was written, read back and removed; always true', true)),
  durationSeconds: z.number().meta(about('How long that took', 0.4)),
})
export type DestinationCheck = z.infer<typeof destinationCheckSchema>

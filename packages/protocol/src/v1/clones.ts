import { z } from 'zod'
import { itemSchema } from '../item.ts'
import { provisioningFields } from './provisioning.ts'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, filterFields, idSchema, instantSchema, pagingFields } from './schema.ts'

const cloneTargetSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('service-broker')
      .meta(about('A new instance, which is provisioned through a service broker', 'service-broker')),
    ...provisioningFields,
  }),
  z.strictObject({
    kind: z.literal('instance').meta(about('A registered instance, which is written over', 'instance')),
    instanceId: idSchema.meta(about('The instance, another one than the source', 'shop-copy')),
    database: itemSchema.optional().meta(about('The database to write; absent: named like the item', 'shop')),
  }),
])
export type CloneTarget = z.infer<typeof cloneTargetSchema>

const item = itemSchema.optional().meta(about('The item; may be absent where only one has restore points', 'shop'))
const statement = z.string().min(1).max(10_000)

/** `POST /v1/instances/{id}/clone`. */
export const cloneRequestSchema = z.strictObject({
  item,
  restorePointId: idSchema
    .optional()
    .meta(about('The restore point; absent: the newest good one of the item', EXAMPLE_ID)),
  target: cloneTargetSchema.meta({ description: 'Where the data is restored to' }),
  privateKey: z
    .string()
    .min(1)
    .max(20_000)
    .optional()
    .meta(about('Decrypts the restore point; by default the key that its plan keeps. Write-only', 'AGE-SECRET-KEY-1…')),
  mask: z
    .array(statement)
    .min(1)
    .max(50)
    .optional()
    .meta(
      about(
        'Statements that the stage `check` of the script pack runs after the restore, in their order and with the rights of the owner. The clone fails with the first that does',
        ["UPDATE customers SET email = 'user' || id || '@example.org'"],
      ),
    ),
})
export type CloneRequest = z.infer<typeof cloneRequestSchema>

export const cloneStates = ['preparing', 'restoring', 'succeeded', 'failed'] as const
export type CloneState = (typeof cloneStates)[number]

/** A copy of the data of a service instance in another one. */
export const cloneSchema = z.object({
  id: idSchema.meta(about('Id of the clone', EXAMPLE_ID)),
  sourceInstanceId: idSchema.meta(about('The service instance whose data it has', 'shop-db')),
  item: z.string().meta(about('The item', 'shop')),
  restorePointId: idSchema.meta(about('The restore point that it is restored from', EXAMPLE_ID)),
  state: z.enum(cloneStates).meta(about('`preparing`: the target is provisioned', 'succeeded')),
  masked: z.boolean().meta(about('Whether statements mask its data', true)),
  instanceId: idSchema.optional().meta(about('The instance that has the copy; absent until it is known', EXAMPLE_ID)),
  database: z.string().optional().meta(about('The database that has the copy', 'shop')),
  isProvisioned: z
    .boolean()
    .meta(
      about(
        'Whether the instance was provisioned: then `POST /v1/provisioned-instances/{instanceId}/credentials` answers its credentials once the clone has succeeded, and `DELETE /v1/provisioned-instances/{instanceId}` deletes it',
        true,
      ),
    ),
  restoreJobId: idSchema.optional().meta(about('The job that restores it', EXAMPLE_ID)),
  failure: z.string().optional().meta(about('Why it failed', 'The restore failed: connection refused.')),
  createdAt: instantSchema.meta(about('When it was requested', EXAMPLE_INSTANT)),
  endedAt: instantSchema.optional().meta(about('When it ended', EXAMPLE_INSTANT)),
})
export type Clone = z.infer<typeof cloneSchema>

/** `GET /v1/clones`. */
export const cloneQuerySchema = z.strictObject({
  ...pagingFields,
  instance: filterFields.instance,
  state: z.enum(cloneStates).optional().meta(about('Only clones in this state', 'failed')),
})
export type CloneQuery = z.input<typeof cloneQuerySchema>

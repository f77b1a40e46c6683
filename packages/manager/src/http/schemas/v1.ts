import * as v1 from '@osb-backup/protocol/v1'
import { stores } from '@osb-backup/storage'
import { z } from 'zod'
import { planTemplateSchema, shownPlanTemplateSchema } from '../../plan-templates/codec.ts'

/** The schemas of /v1 that depend on the kinds of stores of this manager; the protocol types those that it knows. */

const storeSettingsSchema = stores
  .unionOf('kind', (kind) => kind.v1.requestSchema)
  .meta({ description: 'Where the bytes are stored, and the credentials' }) as unknown as typeof v1.storeSettingsSchema

const storeSchema = stores
  .unionOf('kind', (kind) => kind.v1.answerSchema)
  .meta({ description: 'Where the bytes are stored' }) as unknown as typeof v1.storeSchema

/** A destination as it can be written once it has an id. */
export const destinationSettingsSchema = v1.destinationSettingsSchema.extend({ store: storeSettingsSchema })

/** `POST /v1/destinations`, and `POST /v1/destinations/check`. */
export const destinationCreateSchema = v1.destinationCreateSchema.extend({ store: storeSettingsSchema })

/** `PATCH /v1/destinations/{id}`. */
export const destinationPatchSchema = v1.mergePatchSchema(destinationSettingsSchema)

/** A destination in an answer. */
export const destinationSchema = v1.destinationSchema.extend({ store: storeSchema })

/** `GET /v1/destinations`. */
export const destinationQuerySchema = v1.destinationQuerySchema.extend({
  kind: z
    .enum(stores.kinds.map(({ type }) => type))
    .optional()
    .meta(v1.about('Only stores of this kind', stores.kinds[0]?.type ?? '')),
})

/** `POST /v1/policies`, and its preview. */
export const policyCreateSchema = v1.policyCreateSchema.extend({
  template: planTemplateSchema.optional().meta(v1.policyCreateSchema.shape.template.meta() ?? {}),
})

/** `PATCH /v1/policies/{id}`. */
export const policyPatchSchema = v1.mergePatchSchema(policyCreateSchema)

/** `POST /v1/policies/{id}/preview`. */
export const policyChangePreviewSchema = v1.policyChangePreviewSchema.extend({
  change: policyPatchSchema.optional().meta(v1.policyChangePreviewSchema.shape.change.meta() ?? {}),
})

/** A policy in an answer. */
export const policySchema = v1.policySchema.extend({
  template: shownPlanTemplateSchema.optional().meta(v1.policySchema.shape.template.meta() ?? {}),
})

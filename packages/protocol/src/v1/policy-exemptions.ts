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

const exemptionFields = {
  reason: z.string().min(1).max(2000).meta(about('Why it needs no protection', 'A copy of production for a load test')),
  expiresAt: instantSchema.meta(
    about('When it ends: policies apply and alarms are raised again from then on', '2026-04-01T00:00:00.000Z'),
  ),
}
const exemptInstance = idSchema.meta(about('The service instance', 'shop-db'))

/** `POST /v1/policy-exemptions`. */
export const policyExemptionCreateSchema = z.strictObject({ instanceId: exemptInstance, ...exemptionFields })
export type PolicyExemptionCreate = z.infer<typeof policyExemptionCreateSchema>

/** An exemption as it can be written once it has an id. */
export const policyExemptionSettingsSchema = z.strictObject(exemptionFields)

/** `PATCH /v1/policy-exemptions/{id}`. */
export const policyExemptionPatchSchema = mergePatchSchema(policyExemptionSettingsSchema)
export type PolicyExemptionPatch = z.infer<typeof policyExemptionPatchSchema>

/** An instance that is unprotected on purpose. */
export const policyExemptionSchema = z.object({
  id: idSchema.meta(about('Id of the exemption', EXAMPLE_ID)),
  instanceId: exemptInstance,
  ...exemptionFields,
  exemptedBy: z.string().meta(about('Who decided it', 'alice')),
  active: z.boolean().meta(about('Whether it has not expired', true)),
  createdAt: instantSchema.meta(about('When it was created', EXAMPLE_INSTANT)),
})
export type PolicyExemption = z.infer<typeof policyExemptionSchema>

/** `GET /v1/policy-exemptions`. */
export const policyExemptionQuerySchema = z.strictObject({
  ...pagingFields,
  instance: filterFields.instance,
  active: z.enum(['true', 'false']).optional().meta(about('Only those that count (`true`), or have expired', 'true')),
  q: searchField('the reason'),
})
export type PolicyExemptionQuery = z.input<typeof policyExemptionQuerySchema>

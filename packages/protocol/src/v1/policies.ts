import { z } from 'zod'
import { mergePatchSchema } from './merge-patch.ts'
import { keepReasons } from './plan-preview.ts'
import { planTemplateSchema, shownPlanTemplateSchema } from './plan-template.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  filterFields,
  idSchema,
  instantSchema,
  labelField,
  pagingFields,
  searchField,
} from './schema.ts'

export * from './policy-exemptions.ts'

const patterns = (description: string, example: string[]) =>
  z.array(z.string().min(1).max(200)).min(1).max(500).optional().meta(about(description, example))

/** Which service instances a policy is about. */
export const policySelectorSchema = z
  .strictObject({
    instances: patterns('Ids of service instances, or patterns with `*`; `["*"]` selects all', ['shop-*']),
    services: patterns('Ids of services in the catalog of their broker, or patterns', ['postgresql']),
    servicePlans: patterns('Ids of the plans in that catalog, or patterns', ['large']),
    organizations: patterns('GUIDs of organizations, or patterns', ['6d2f6b0a-7c60-4a53-8d7a-1f1c3b5a9d10']),
    spaces: patterns('GUIDs of spaces, or patterns', ['0c8a1f2e-5b7d-4b43-9a0e-2d9c4f6e8b21']),
    labels: patterns('Labels of the service instances, or patterns', ['shop']),
  })
  .refine((selector) => Object.values(selector).some((list) => list !== undefined), {
    error: 'needs at least one list; {"instances": ["*"]} selects all service instances',
  })
  .meta({ examples: [{ services: ['postgresql'], instances: ['*'] }] })
export type PolicySelector = z.infer<typeof policySelectorSchema>

const allowedDestinationSchema = z.strictObject({
  kind: z.string().min(1).max(50).meta(about('The kind of store', 's3')),
  server: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .optional()
    .meta(
      about('Scheme, host name and port of the server, compared whole; absent for any server', 'https://s3.example'),
    ),
  container: z
    .string()
    .min(1)
    .max(4000)
    .optional()
    .meta(about('The bucket, container or directory, or a pattern with `*`; absent for any', 'backups*')),
})

/** What no plan of the selected service instances may fall below. */
export const policyFloorSchema = z.strictObject({
  minimumRetentionDays: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .meta(
      about(
        'For how many days the newest restore point of each day is kept at least. A retention that counts restore points, or keeps generations of weeks and more alone, does not promise that: use `days`, `hours`, `all`, or `gfs` with `keepDaily`',
        14,
      ),
    ),
  encryptionRequired: z.boolean().optional().meta(about('Whether plans must encrypt', true)),
  allowedDestinations: z
    .array(allowedDestinationSchema)
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'The only places that plans may store in; absent for any' }),
})
export type PolicyFloor = z.infer<typeof policyFloorSchema>

const fields = {
  name: z.string().min(1).max(100).meta(about('A unique name for people; its plans are named after it', 'gold')),
  label: labelField,
  description: z.string().max(2000).optional().meta(about('What it is for', 'Everything that customers pay for')),
}
const priority = z
  .int()
  .min(0)
  .max(1_000_000)
  .meta(
    about(
      'Which policy an instance follows that several select: the one with the largest priority, of equal ones the one that was created first. Only policies with a template compete; the floors of all policies that select an instance apply together',
      100,
    ),
  )
const mayPause = z.boolean().meta(about('Whether the plans may be paused and resumed by hand', false))

/** A policy as it is written. */
export const policyCreateSchema = z.strictObject({
  ...fields,
  priority: priority.optional(),
  selector: policySelectorSchema.meta({ description: 'Which service instances it is about' }),
  template: planTemplateSchema
    .optional()
    .meta({ description: 'What each of them is backed up by; absent for a policy that only sets a floor' }),
  floor: policyFloorSchema.optional().meta({ description: 'What none of their plans may fall below' }),
  mayPause: mayPause.optional(),
})
export type PolicyCreate = z.infer<typeof policyCreateSchema>

/** `PATCH /v1/policies/{id}`. */
export const policyPatchSchema = mergePatchSchema(policyCreateSchema)
export type PolicyPatch = z.infer<typeof policyPatchSchema>

/** A policy in an answer. */
export const policySchema = z.object({
  id: idSchema.meta(about('Id of the policy', EXAMPLE_ID)),
  ...fields,
  priority,
  selector: policySelectorSchema
    .optional()
    .meta({ description: 'Which service instances it is about; only for callers who were granted all of them' }),
  template: shownPlanTemplateSchema.optional().meta({ description: 'What each of them is backed up by' }),
  floor: policyFloorSchema.optional().meta({ description: 'What none of their plans may fall below' }),
  mayPause,
  createdAt: instantSchema.meta(about('When it was created', EXAMPLE_INSTANT)),
})
export type Policy = z.infer<typeof policySchema>

/** `GET /v1/policies`. */
export const policyQuerySchema = z.strictObject({ ...pagingFields, q: searchField('the name') })
export type PolicyQuery = z.input<typeof policyQuerySchema>

export const policyRemovals = ['keep', 'pause', 'delete'] as const
export type PolicyRemoval = (typeof policyRemovals)[number]

/** `DELETE /v1/policies/{id}`. Restore points are kept in every case. */
export const policyDeleteQuerySchema = z.strictObject({
  plans: z
    .enum(policyRemovals)
    .optional()
    .meta(
      about(
        'What becomes of its plans: `keep` leaves them to their instances, running; `pause` pauses them; `delete` deletes them. Restore points and stored objects are kept in every case. `keep` by default',
        'keep',
      ),
    ),
})

const violationSchema = z.object({
  planId: idSchema.meta(about('The plan', EXAMPLE_ID)),
  planName: z.string().meta(about('Its name', 'nightly')),
  policyId: idSchema
    .optional()
    .meta(about('The policy that requires more; absent: the previewed one, which does not exist yet', EXAMPLE_ID)),
  rule: z
    .enum(['retention', 'encryption', 'destination'])
    .meta(about('What of the plan is below the floor', 'retention')),
  message: z
    .string()
    .meta(
      about(
        'What is required',
        'The policy "gold" requires restore points to be kept for at least 14 days; this retention is sure to keep those of 7 days only.',
      ),
    ),
})
export type PolicyViolation = z.infer<typeof violationSchema>

const previewedPointSchema = z.object({
  id: idSchema.meta(about('Id of the restore point', EXAMPLE_ID)),
  item: z.string().meta(about('The database', 'shop')),
  takenAt: instantSchema.meta(about('When it was taken', EXAMPLE_INSTANT)),
  kept: z.boolean().meta(about('Whether the retention would keep it', false)),
  keptBecause: z.array(z.enum(keepReasons)).meta(about('Why it would be kept', ['daily'])),
})

export const policyEffects = ['gains', 'changes', 'loses', 'exempt', 'none'] as const
export type PolicyEffect = (typeof policyEffects)[number]

/** What a policy would do to one service instance. */
const previewedInstanceSchema = z.object({
  instanceId: idSchema.meta(about('The service instance', 'shop-db')),
  effect: z
    .enum(policyEffects)
    .meta(
      about(
        '`gains` a plan; its plan `changes`, or follows another policy; `loses` its policy, and its plan is left to it; `exempt`: nothing, since it is unprotected on purpose; `none`: nothing, or another policy wins',
        'gains',
      ),
    ),
  fromPolicyId: idSchema.optional().meta(about('The policy that it follows now', EXAMPLE_ID)),
  toPolicyId: idSchema
    .optional()
    .meta(about('The policy that it would follow; a policy that does not exist yet has no id', EXAMPLE_ID)),
  planId: idSchema.optional().meta(about('The plan that it has from a policy', EXAMPLE_ID)),
  changes: z.array(z.string()).meta(about('What of that plan would change', ['schedule', 'retention'])),
  problem: z
    .string()
    .optional()
    .meta(about('Why the policy could not be applied', 'The service instance "shop-db" has not declared "shop".')),
  restorePoints: z.array(previewedPointSchema).meta({
    description: 'The restore points of that plan, where its retention would change, with why each would be kept',
  }),
})
export type PreviewedInstance = z.infer<typeof previewedInstanceSchema>

const number = (description: string, example: number) => z.int().min(0).meta(about(description, example))

/** What a change of policies would do. Nothing is stored or deleted. */
export const policyPreviewSchema = z.object({
  counts: z
    .object({
      selected: number('Service instances that the policy selects', 12),
      gains: number('Those that would get a plan', 3),
      changes: number('Those whose plan would change, or follow another policy', 2),
      loses: number('Those that would follow no policy any more; their plans are left to them', 0),
      exempt: number('Those that are unprotected on purpose', 1),
      deletedRestorePoints: number(
        'Restore points that the new retention would not keep, of the instances listed; deleted once the change of retention is effective',
        4,
      ),
    })
    .meta({ description: 'Numbers over all service instances' }),
  instances: z
    .array(previewedInstanceSchema)
    .meta({ description: 'The service instances that it would affect, at most 200' }),
  isTruncated: z.boolean().meta(about('Whether more instances would be affected than are listed', false)),
  violations: z
    .array(violationSchema)
    .meta({ description: 'Existing plans that would be below the floor, at most 200. They stay as they are' }),
})
export type PolicyPreview = z.infer<typeof policyPreviewSchema>

/** `POST /v1/policies/{id}/preview`: a change, or the removal of the policy. */
export const policyChangePreviewSchema = z.strictObject({
  change: policyPatchSchema.optional().meta({ description: 'A merge patch, as `PATCH` takes it' }),
  remove: z.boolean().optional().meta(about('Previews its removal instead', false)),
})
export type PolicyChangePreview = z.infer<typeof policyChangePreviewSchema>

/** What a service instance follows, and what of it is below a floor. */
export const policyAssignmentSchema = z.object({
  instanceId: idSchema.meta(about('The service instance', 'shop-db')),
  policyId: idSchema.optional().meta(about('The policy that it follows; absent: none', EXAMPLE_ID)),
  policyName: z.string().optional().meta(about('Its name', 'gold')),
  overruled: z
    .array(idSchema)
    .meta(about('Other policies with a template that select it, and lose to that one', ['69a3a7c0f1d2b3c4d5e6f709'])),
  planId: idSchema.optional().meta(about('The plan that it has from its policy', EXAMPLE_ID)),
  exemptUntil: instantSchema
    .optional()
    .meta(about('Until when it is unprotected on purpose; absent: it is not', EXAMPLE_INSTANT)),
  checkedAt: instantSchema
    .optional()
    .meta(about('When its policy was applied last; absent: that is about to happen', EXAMPLE_INSTANT)),
  problem: z
    .string()
    .optional()
    .meta(about('Why its policy could not be applied', 'The service instance "shop-db" has not declared "shop".')),
  violations: z.array(violationSchema).meta({ description: 'Its plans that are below a floor' }),
})
export type PolicyAssignment = z.infer<typeof policyAssignmentSchema>

/** `GET /v1/policy-assignments`. */
export const policyAssignmentQuerySchema = z.strictObject({
  ...pagingFields,
  instance: filterFields.instance,
  policy: idSchema.optional().meta(about('Only instances that follow this policy', EXAMPLE_ID)),
  state: z
    .enum(['assigned', 'unassigned', 'exempt', 'failing', 'violating'])
    .optional()
    .meta(
      about(
        'Only instances that follow a policy (`assigned`), or none (`unassigned`), are unprotected on purpose (`exempt`), whose policy could not be applied (`failing`), or with a plan below a floor (`violating`)',
        'violating',
      ),
    ),
})
export type PolicyAssignmentQuery = z.input<typeof policyAssignmentQuerySchema>

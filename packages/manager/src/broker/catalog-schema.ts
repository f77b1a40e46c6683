import { z } from 'zod'
import { planTemplateSchema } from '../plan-templates/codec.ts'

const MAX_SCHEMA_BYTES = 64 * 1024
const nonEmpty = z.string().min(1).max(1000)
const semanticVersion = z
  .string()
  .regex(/^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/, 'must be a semantic version such as 2.1.0')

/** Without external references, and not larger than platforms accept. */
const parametersSchema = z
  .looseObject({ $schema: nonEmpty })
  .refine((schema) => JSON.stringify(schema).length <= MAX_SCHEMA_BYTES, 'must not be larger than 64 KiB')
  .refine((schema) => !/"\$ref":"[^#]/.test(JSON.stringify(schema)), 'must not refer to other documents')
const input = z.looseObject({ parameters: parametersSchema.optional() }).optional()

/** What backup plans are created from, but for what users choose. Without a destination: a directory in FILE_DESTINATION_ROOT. */
const templateSchema = planTemplateSchema.extend({ destination: planTemplateSchema.shape.destination.optional() })

/** What a user may choose. */
const limitsSchema = z.strictObject({
  /** How many items, or patterns of them, an instance may name. */
  maxItems: z.int().min(1).max(500).default(50),
  /** Whether users may choose the schedule, and how much time at least lies between two runs then. */
  schedule: z.boolean().default(true),
  minimumIntervalSeconds: z.int().min(1).max(31_536_000).default(3600),
  /** How many service instances of the plan a space may have. */
  maxInstancesPerSpace: z.int().min(1).max(100_000).optional(),
})

/** What happens when an instance is deprovisioned. */
const deprovisionSchema = z.strictObject({
  files: z.enum(['keep', 'delete']).default('keep'),
  /** With `keep`: for how long; absent: until somebody deletes them. */
  keepDays: z.int().min(0).max(36_500).optional(),
  /** Whether a last backup is taken, unless the user says otherwise. */
  lastBackup: z.boolean().default(false),
  /** How long that may take; after it the deprovisioning fails, and nothing is deleted. */
  timeLimitSeconds: z.int().min(1).max(604_800).default(21_600),
})

const planSchema = z.looseObject({
  id: nonEmpty,
  name: nonEmpty,
  description: nonEmpty,
  metadata: z.looseObject({}).optional(),
  free: z.boolean().optional(),
  plan_updateable: z.boolean().optional(),
  maximum_polling_duration: z.int().min(1).optional(),
  maintenance_info: z.looseObject({ version: semanticVersion, description: nonEmpty.optional() }).optional(),
  schemas: z
    .looseObject({
      service_instance: z.looseObject({ create: input, update: input }).optional(),
      service_binding: z.looseObject({ create: input }).optional(),
    })
    .optional(),
  backup: z.strictObject({
    template: templateSchema,
    limits: limitsSchema.prefault({}),
    deprovision: deprovisionSchema.prefault({}),
  }),
})

const serviceSchema = z.looseObject({
  id: nonEmpty,
  name: nonEmpty,
  description: nonEmpty,
  tags: z.array(z.string()).optional(),
  metadata: z.looseObject({}).optional(),
  plan_updateable: z.boolean().optional(),
  plans: z.array(planSchema).min(1),
})

/** The file BROKER_CATALOG: a catalog of the Open Service Broker API, in which `backup` says of each plan what it does. */
export const catalogFileSchema = z
  .looseObject({ services: z.array(serviceSchema) })
  .superRefine(({ services }, check) => {
    const plans = services.flatMap((service) => service.plans)
    const unique = (what: string, values: readonly string[]) => {
      const twice = values.find((value, index) => values.indexOf(value) !== index)
      if (twice === undefined) return
      check.addIssue({ code: 'custom', message: `${what} ${JSON.stringify(twice)} is used twice`, path: ['services'] })
    }
    unique(
      'The id',
      [...services, ...plans].map(({ id }) => id),
    )
    unique(
      'The name',
      services.map(({ name }) => name),
    )
    for (const service of services)
      unique(
        `In ${service.name}, the name`,
        service.plans.map(({ name }) => name),
      )
  })

export type CatalogService = z.infer<typeof serviceSchema>
export type CatalogPlan = z.infer<typeof planSchema>

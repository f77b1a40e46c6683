import { planSettingsSchema } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import { RequestError } from '../shared/request-error.ts'
import type { CatalogPlan } from './catalog-schema.ts'

const { items, excludedItems, schedule } = planSettingsSchema.shape
const describe = <T extends z.ZodType>(schema: T, description: string): T => schema.meta({ description })

/** What a user says of a service instance: `cf create-service -c '{…}'`. */
export interface InstanceParameters {
  /** The id of the service instance that is backed up. */
  service_instance: string
  items?: string[] | undefined
  excluded_items?: string[] | undefined
  schedule?: { cron: string; timezone?: string | undefined } | undefined
  paused?: boolean | undefined
  last_backup?: boolean | undefined
}

/** What a user says of a binding. */
export interface BindingParameters {
  role?: 'viewer' | 'operator' | undefined
  expires_in_seconds?: number | undefined
  /** Other service instances that the credentials may restore into. */
  restore_into?: string[] | undefined
}

const serviceInstance = describe(
  z.string().min(1).max(200),
  'GUID of the service instance to back up; `cf service NAME --guid` prints it',
)

/** The parameters of an instance of a plan, but for the instance that it backs up. */
function choices({ backup: { limits } }: CatalogPlan) {
  const cron = schedule.shape.cron
  const choosable = {
    items: describe(
      z.array(items.element).min(1).max(limits.maxItems),
      'Databases to back up: names, or patterns in which * matches any text',
    ).optional(),
    excluded_items: describe(
      (excludedItems.unwrap() as typeof items).max(limits.maxItems),
      'What the patterns of items do not cover',
    ).optional(),
    paused: describe(z.boolean(), 'Whether scheduled backups are paused').optional(),
    last_backup: describe(
      z.boolean(),
      'Whether a last backup is taken when the service instance is deleted; nothing is deleted if that fails',
    ).optional(),
  }
  if (!limits.schedule) return choosable
  const timezone = schedule.shape.timezone
  return {
    ...choosable,
    schedule: describe(
      z.union([cron, z.strictObject({ cron, timezone })]),
      'When backups are taken: a cron expression, or one with its time zone',
    ).optional(),
  }
}

const createSchema = (plan: CatalogPlan) => z.strictObject({ service_instance: serviceInstance, ...choices(plan) })

/** Null removes what was chosen before, so that the plan decides again. */
function updateSchema(plan: CatalogPlan) {
  const clearable = Object.entries(choices(plan)).map(([name, schema]) => [name, schema.nullable()])
  return z.strictObject({ service_instance: serviceInstance.optional(), ...Object.fromEntries(clearable) })
}

const bindingSchema = z.strictObject({
  role: describe(
    z.enum(['viewer', 'operator']),
    'What the credentials allow: viewer only reads, operator also backs up and restores. operator by default',
  ).optional(),
  expires_in_seconds: describe(
    z.int().min(60).max(3_153_600_000),
    'Time in seconds after which the credentials expire',
  ).optional(),
  restore_into: describe(
    z.array(z.string().min(1).max(200)).max(10),
    'GUIDs of other service instances that the credentials reach too, in order to restore into them',
  ).optional(),
})

/** The JSON schemas of the parameters of a plan, as its catalog has them. */
export function parameterSchemas(plan: CatalogPlan): object {
  const input = (schema: z.ZodType) => ({ parameters: withoutExamples(z.toJSONSchema(schema, { target: 'draft-4' })) })
  return {
    service_instance: { create: input(createSchema(plan)), update: input(updateSchema(plan)) },
    service_binding: { create: input(bindingSchema) },
  }
}

/** Examples are no keyword of JSON Schema draft 4. */
function withoutExamples(schema: object): object {
  return JSON.parse(JSON.stringify(schema, (name, value) => (name === 'examples' ? undefined : value)))
}

/** @throws {RequestError} Naming the parameter at fault. */
export function readInstanceParameters(plan: CatalogPlan, sent: unknown): InstanceParameters {
  return withSchedule(read(createSchema(plan), sent))
}

/**
 * Applies an update to the parameters of an instance.
 *
 * @throws {RequestError} Naming the parameter at fault.
 */
export function changeInstanceParameters(
  plan: CatalogPlan,
  stored: InstanceParameters,
  sent: unknown,
): InstanceParameters {
  const changes = read(updateSchema(plan), sent)
  const merged = Object.entries({ ...stored, ...changes }).filter(([, value]) => value !== null && value !== undefined)
  return readInstanceParameters(plan, Object.fromEntries(merged))
}

/** @throws {RequestError} Naming the parameter at fault. */
export function readBindingParameters(sent: unknown): BindingParameters {
  return read(bindingSchema, sent)
}

function read<T extends z.ZodType>(schema: T, sent: unknown): z.infer<T> {
  const result = schema.safeParse(sent)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const field = ['parameters', ...(issue?.path ?? [])].join('.')
  throw new RequestError('invalid', `${field}: ${issue?.message ?? 'is wrong'}`, { field })
}

function withSchedule(parameters: object): InstanceParameters {
  const { schedule: chosen, ...rest } = parameters as InstanceParameters & { schedule?: string | { cron: string } }
  if (chosen === undefined) return rest
  return { ...rest, schedule: typeof chosen === 'string' ? { cron: chosen } : chosen }
}

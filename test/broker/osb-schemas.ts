import { z } from 'zod'

/** The answers of the Open Service Broker API 2.17, by operation and status. Fields that it does not define are allowed, as it says. */
const text = z.string().min(1)
const parametersSchema = z
  .looseObject({ $schema: text, type: z.literal('object') })
  .refine((schema) => JSON.stringify(schema).length <= 65_536, 'larger than 64 kB')
  .refine((schema) => !/"\$ref":"(?!#)/.test(JSON.stringify(schema)), 'has an external reference')
const input = z.looseObject({ parameters: parametersSchema.optional() })
const maintenanceInfo = z.looseObject({
  version: z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/),
  description: text.optional(),
})

const plan = z.looseObject({
  id: text,
  name: text,
  description: text,
  metadata: z.looseObject({}).optional(),
  free: z.boolean().optional(),
  bindable: z.boolean().optional(),
  binding_rotatable: z.boolean().optional(),
  plan_updateable: z.boolean().optional(),
  schemas: z
    .looseObject({
      service_instance: z.looseObject({ create: input.optional(), update: input.optional() }).optional(),
      service_binding: z.looseObject({ create: input.optional() }).optional(),
    })
    .optional(),
  maximum_polling_duration: z.int().positive().optional(),
  maintenance_info: maintenanceInfo.optional(),
  extensions: z
    .array(z.looseObject({ id: text, path: text, description: text.optional(), openapi_url: text.optional() }))
    .optional(),
})

const isUnique = (values: readonly string[]) => new Set(values).size === values.length

const service = z.looseObject({
  id: text,
  name: text,
  description: text,
  tags: z.array(z.string()).optional(),
  requires: z.array(z.enum(['syslog_drain', 'route_forwarding', 'volume_mount'])).optional(),
  bindable: z.boolean(),
  instances_retrievable: z.boolean().optional(),
  bindings_retrievable: z.boolean().optional(),
  allow_context_updates: z.boolean().optional(),
  metadata: z.looseObject({ shareable: z.boolean().optional() }).optional(),
  dashboard_client: z.looseObject({ id: text, secret: text, redirect_uri: z.url() }).optional(),
  plan_updateable: z.boolean().optional(),
  plans: z
    .array(plan)
    .min(1)
    .refine((plans) => isUnique(plans.map(({ name }) => name)), 'two plans of one name'),
})

export const catalogSchema = z.looseObject({
  services: z
    .array(service)
    .refine((services) => isUnique(services.map(({ name }) => name)), 'two services of one name')
    .refine(
      (services) => isUnique(services.flatMap(({ id, plans }) => [id, ...plans.map((each) => each.id)])),
      'an id is used twice',
    ),
})

const metadata = z.looseObject({
  labels: z.record(z.string(), z.unknown()).optional(),
  attributes: z.record(z.string(), z.unknown()).optional(),
})
const operation = z.string().min(1).max(10_000)
const described = z.looseObject({ dashboard_url: z.url().optional(), metadata: metadata.optional() })
const fetchedInstance = described.extend({
  service_id: text.optional(),
  plan_id: text.optional(),
  parameters: z.looseObject({}).optional(),
  maintenance_info: maintenanceInfo.optional(),
})
const lastOperation = z.looseObject({
  state: z.enum(['in progress', 'succeeded', 'failed']),
  description: z.string().optional(),
  instance_usable: z.boolean().optional(),
  update_repeatable: z.boolean().optional(),
})
const binding = z.looseObject({
  credentials: z.looseObject({}),
  endpoints: z
    .array(
      z.looseObject({
        host: text,
        ports: z.array(z.string().regex(/^\d+(-\d+)?$/)).min(1),
        protocol: z.enum(['tcp', 'udp', 'all']).optional(),
      }),
    )
    .optional(),
  metadata: z
    .looseObject({ expires_at: z.iso.datetime().optional(), renew_before: z.iso.datetime().optional() })
    .optional(),
  parameters: z.looseObject({}).optional(),
})
const nothing = z.strictObject({})
const errorSchema = z.strictObject({
  error: z
    .string()
    .regex(/^[A-Z][A-Za-z]+$/)
    .optional(),
  description: text,
})

type Answers = Record<number, z.ZodType>
const instancePath = '/v2/service_instances/:instance'
const bindingPath = `${instancePath}/service_bindings/:binding`

const answers: Record<string, Answers> = {
  'GET /v2/catalog': { 200: catalogSchema },
  [`PUT ${instancePath}`]: {
    200: described,
    201: described,
    202: described.extend({ operation: operation.optional() }),
  },
  [`GET ${instancePath}`]: { 200: fetchedInstance },
  [`PATCH ${instancePath}`]: { 200: described, 202: described.extend({ operation: operation.optional() }) },
  [`DELETE ${instancePath}`]: { 200: nothing, 202: z.looseObject({ operation: operation.optional() }) },
  [`GET ${instancePath}/last_operation`]: { 200: lastOperation },
  [`PUT ${bindingPath}`]: { 200: binding, 201: binding },
  [`GET ${bindingPath}`]: { 200: binding },
  [`DELETE ${bindingPath}`]: { 200: nothing },
  [`GET ${bindingPath}/last_operation`]: { 200: lastOperation },
}

/**
 * Compares an answer with the specification.
 *
 * @throws {ZodError} If it is not one that a platform may get.
 */
export function checkAnswer(method: string, path: string, status: number, body: unknown): void {
  const [route = ''] = path.split('?')
  const named = route
    .replace(/(\/service_instances)\/[^/]+/, '$1/:instance')
    .replace(/(\/service_bindings)\/[^/]+/, '$1/:binding')
  const known = answers[`${method} ${named}`]
  if (known === undefined || status === 304) return
  if (status >= 400) errorSchema.parse(body)
  else (known[status] ?? z.never()).parse(body)
}

import { z } from 'zod'
import { plainHttpUrl } from '../plain-http-url.ts'
import { mergePatchSchema } from './merge-patch.ts'
import { provisioningFields } from './provisioning.ts'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, idSchema, instantSchema, pagingFields, searchField } from './schema.ts'

const EXAMPLE_GUID = '3f0c8f6e-2a57-4c39-9f0e-0d3f4f6a7b21'

const brokerFields = {
  name: z.string().min(1).max(200).meta(about('A name for people', 'postgresql-broker')),
  url: plainHttpUrl.meta(about('Where the broker answers, without /v2', 'https://postgresql-broker.example')),
  username: z.string().min(1).max(255).meta(about('User of HTTP Basic authentication', 'backup-manager')),
  caCertificate: z
    .string()
    .max(100_000)
    .optional()
    .meta(about('Certificates (PEM) to trust in addition to the usual ones', '-----BEGIN CERTIFICATE-----\n…')),
  services: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(100)
    .optional()
    .meta(about('The services that may be provisioned, by name or id; absent for all of its catalog', ['postgresql'])),
  maxInstances: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .meta(about('How many instances of it may exist at the same time; 5 by default', 5)),
  requestTimeoutSeconds: z
    .int()
    .min(1)
    .max(600)
    .optional()
    .meta(about('How long an answer may take; 60 by default', 60)),
  operationTimeoutSeconds: z
    .int()
    .min(1)
    .max(604_800)
    .optional()
    .meta(
      about(
        'How long provisioning and binding may take each, before they have failed; 3600 by default. A shorter limit of the catalog counts',
        3600,
      ),
    ),
  registersInstances: z
    .boolean()
    .optional()
    .meta(
      about(
        'Whether the broker registers its instances at this manager itself; true by default. Otherwise the manager does so, with the credentials of the binding',
        true,
      ),
    ),
  agentId: idSchema
    .optional()
    .meta(
      about(
        'Where the broker registers nothing: the agent of its instances; absent for that of the instance whose data they get',
        EXAMPLE_ID,
      ),
    ),
  organizationGuid: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta(about('The organization that instances are provisioned in; absent for that of the source', 'org-1')),
  spaceGuid: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta(about('The space that instances are provisioned in; absent for that of the source', 'space-1')),
}

/** `POST /v1/service-brokers`. */
export const serviceBrokerCreateSchema = z.strictObject({
  ...brokerFields,
  password: z
    .string()
    .min(1)
    .max(1000)
    .meta(about('Its password. Write-only; required when the URL changes', 'a password of yours')),
})
export type ServiceBrokerCreate = z.infer<typeof serviceBrokerCreateSchema>

/** `PATCH /v1/service-brokers/{id}`. */
export const serviceBrokerPatchSchema = mergePatchSchema(serviceBrokerCreateSchema)
export type ServiceBrokerPatch = z.infer<typeof serviceBrokerPatchSchema>

/** A service broker in an answer. */
export const serviceBrokerSchema = z.object({
  id: idSchema.meta(about('Id of the service broker', EXAMPLE_ID)),
  ...brokerFields,
  passwordSet: z.boolean().meta(about('Whether a password is stored', true)),
  instanceCount: z.int().meta(about('How many instances of it exist, or may', 1)),
  createdAt: instantSchema.meta(about('When it was registered', EXAMPLE_INSTANT)),
})
export type ServiceBroker = z.infer<typeof serviceBrokerSchema>

/** `GET /v1/service-brokers`. */
export const serviceBrokerQuerySchema = z.strictObject({ ...pagingFields, q: searchField('the name') })
export type ServiceBrokerQuery = z.input<typeof serviceBrokerQuerySchema>

/** Answer to a check: the catalog was read. */
export const serviceBrokerCheckSchema = z.object({
  usable: z.literal(true).meta(about('Whether the catalog could be read; always true', true)),
  services: z.int().meta(about('How many services of it may be provisioned', 1)),
  durationSeconds: z.number().meta(about('How long that took', 0.2)),
})
export type ServiceBrokerCheck = z.infer<typeof serviceBrokerCheckSchema>

const servicePlanSchema = z.object({
  id: z.string().meta(about('Id of the service plan', 'd3031751-5b1c-4c0b-9b7e-a42377d3320e')),
  name: z.string().meta(about('Its name', 'small')),
  description: z.string().optional().meta(about('What it offers', 'A database on a shared server')),
  free: z.boolean().meta(about('Whether it costs nothing', true)),
  bindable: z.boolean().meta(about('Whether its instances have bindings', true)),
})

/** `GET /v1/service-brokers/{id}/catalog`. */
export const serviceCatalogSchema = z.object({
  services: z
    .array(
      z.object({
        id: z.string().meta(about('Id of the service', 'acb56d7c-1d2e-4f1e-9c1d-feb140a59a66')),
        name: z.string().meta(about('Its name', 'postgresql')),
        description: z.string().optional().meta(about('What it offers', 'PostgreSQL databases')),
        allowed: z.boolean().meta(about('Whether it may be provisioned', true)),
        plans: z.array(servicePlanSchema).meta({ description: 'Its service plans' }),
      }),
    )
    .meta({ description: 'The services of the catalog' }),
})
export type ServiceCatalog = z.infer<typeof serviceCatalogSchema>

export const provisionedInstanceStates = [
  'provisioning',
  'provisioned',
  'ready',
  'deprovisioning',
  'deprovisioned',
] as const
export type ProvisionedInstanceState = (typeof provisionedInstanceStates)[number]
const purposes = ['drill', 'clone', 'trial'] as const

/** An instance that the manager provisioned through a service broker. */
export const provisionedInstanceSchema = z.object({
  id: idSchema.meta(about('Its id at the broker, under which it is registered as a service instance', EXAMPLE_GUID)),
  serviceBrokerId: idSchema.meta(about('The service broker', EXAMPLE_ID)),
  purpose: z.enum(purposes).meta(about('What it was provisioned for', 'clone')),
  jobId: idSchema.optional().meta(about('The job that it was provisioned for; absent for a trial', EXAMPLE_ID)),
  sourceInstanceId: idSchema.meta(about('The service instance whose data it gets', 'shop-db')),
  serviceId: z.string().meta(about('The service in the catalog', 'acb56d7c-1d2e-4f1e-9c1d-feb140a59a66')),
  servicePlanId: z.string().meta(about('The service plan in the catalog', 'd3031751-5b1c-4c0b-9b7e-a42377d3320e')),
  state: z
    .enum(provisionedInstanceStates)
    .meta(
      about(
        '`ready` once its job has put the data there, and its credentials can be read; `deprovisioning` until the broker has confirmed that it is deleted',
        'ready',
      ),
    ),
  failure: z
    .string()
    .optional()
    .meta(about('Why it could not be provisioned', 'The service broker answered 500 to the request to provision.')),
  error: z
    .string()
    .optional()
    .meta(about('Why the last call to the broker failed; it is repeated', 'The service broker answered 503.')),
  attempts: z.int().meta(about('How often the current step has failed in a row', 0)),
  nextAttemptAt: instantSchema.optional().meta(about('When it is repeated', EXAMPLE_INSTANT)),
  dashboardUrl: z
    .string()
    .optional()
    .meta(about('The dashboard that the broker named', 'https://postgresql-broker.example/dashboards/3f0c8f6e')),
  createdAt: instantSchema.meta(about('When it was requested', EXAMPLE_INSTANT)),
  endedAt: instantSchema.optional().meta(about('When its deletion was confirmed', EXAMPLE_INSTANT)),
})
export type ProvisionedInstance = z.infer<typeof provisionedInstanceSchema>

/** `POST /v1/provisioned-instances`. */
export const provisionedInstanceCreateSchema = z.strictObject({
  instanceId: idSchema.meta(
    about(
      'The service instance whose service, organization, space and agent count where nothing else is said',
      'shop-db',
    ),
  ),
  ...provisioningFields,
})
export type ProvisionedInstanceCreate = z.infer<typeof provisionedInstanceCreateSchema>

/** `GET /v1/provisioned-instances`. */
export const provisionedInstanceQuerySchema = z.strictObject({
  ...pagingFields,
  instance: idSchema.optional().meta(about('Only instances with data of this service instance', 'shop-db')),
  serviceBroker: idSchema.optional().meta(about('Only instances of this service broker', EXAMPLE_ID)),
  state: z.enum(provisionedInstanceStates).optional().meta(about('Only instances in this state', 'ready')),
})
export type ProvisionedInstanceQuery = z.input<typeof provisionedInstanceQuerySchema>

/** `POST /v1/provisioned-instances/{id}/credentials`. */
export const provisionedCredentialsSchema = z.object({
  bindingId: z.string().meta(about('Id of the binding at the broker', '0b9f1a44-64e1-4f0f-8f1e-6f2d3c5b7a10')),
  credentials: z.record(z.string(), z.unknown()).meta(
    about('As the broker gave them', {
      uri: 'postgresql://user:a password of yours@10.0.0.5:5432/shop',
      username: 'user',
      password: 'a password of yours',
    }),
  ),
})
export type ProvisionedCredentials = z.infer<typeof provisionedCredentialsSchema>

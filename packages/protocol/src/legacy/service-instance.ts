import { z } from 'zod'
import { about } from '../about.ts'
import { itemPatternsSchema } from '../item.ts'
import { plainHttpUrl } from '../plain-http-url.ts'
import { ignoringInvalid, lenientBoolean, lenientInteger, optional, optionalText } from './lenient.ts'

const port = lenientInteger(0, 65_535)
/** The Java manager writes 0 where a host has no port. */
const optionalPort = optional(port).transform((number) => number || undefined)

/** One machine of a service instance. The one marked `backup` is where dumps are taken. */
export const hostSchema = z.object({
  name: optionalText(255).meta(about('Name for people', 'postgres0')),
  ip: z.string().min(1).max(255).meta(about('Address of the host', '10.0.0.5')),
  port: optionalPort.meta(about('TCP port; 0 or absent if the service has none', 5432)),
  backup: optional(lenientBoolean).meta(about('Whether dumps are taken from this host', true)),
})
export type Host = z.infer<typeof hostSchema>

/** Where the agent of a service instance listens, and its HTTP Basic credentials. */
export const agentAddressSchema = z.object({
  url: plainHttpUrl.meta(about('Where the agent listens', 'http://10.0.0.5:8000')),
  username: z.string().min(1).max(255).meta(about('User name', 'backup')),
  password: optionalText(1000).meta(about('Password; absent keeps the stored one', 'a password of yours')),
})

/** A service instance as a client registers it. An absent or masked password keeps the stored one. */
export const serviceInstanceRequestSchema = z.object({
  service_instance_id: optionalText(200).meta({ description: 'Id of the service instance, as in the path' }),
  service_id: optionalText(200).meta({ description: 'Service in the catalog of the broker' }),
  plan_id: optionalText(200).meta({ description: 'Service plan in the catalog of the broker' }),
  organization_guid: optionalText(200).meta({ description: 'Cloud Foundry organization' }),
  space_guid: optionalText(200).meta({ description: 'Cloud Foundry space' }),
  parameters: optional(z.record(z.string(), z.unknown())).meta(
    about('Passed to the scripts as environment variables', { encoding: 'UTF8' }),
  ),
  /** Additive. */
  secretParameters: optional(z.array(z.string().min(1).max(255)).max(100)).meta(
    about('Names of parameters that are secret, besides those that are named like secrets', ['pin']),
  ),
  /** Additive. */
  items: optional(itemPatternsSchema).meta(
    about('What may be backed up and restored into: names, or patterns with *; absent keeps what was declared', [
      'shop',
    ]),
  ),
  hosts: z.array(hostSchema).min(1).max(100),
  username: optionalText(255).meta(about('User name', 'backup')),
  password: optionalText(1000).meta(about('Password; absent keeps the stored one', 'a password of yours')),
  /** Additive: a second, privileged account, for scripts that need one. */
  backupUsername: optionalText(255).meta({ description: 'A second, privileged account, for scripts that need one' }),
  backupPassword: optionalText(1000).meta({ description: 'Its password' }),
  agent: agentAddressSchema,
})
export type ServiceInstanceRequest = z.infer<typeof serviceInstanceRequestSchema>

/** A service instance in an answer: the database's username and password are never serialised. */
export const serviceInstanceSchema = z.object({
  service_instance_id: z.string().meta(about('Id of the service instance', 'shop-db')),
  service_id: z.string().optional().meta(about('Service in the catalog of the broker', 'postgresql')),
  plan_id: z.string().optional().meta(about('Service plan in the catalog of the broker', 'small')),
  organization_guid: z
    .string()
    .optional()
    .meta(about('Cloud Foundry organization', 'e2a2bc4e-7d5c-4a0e-9d5b-1f6a3a8c2b11')),
  space_guid: z.string().optional().meta(about('Cloud Foundry space', '5b2f2ea4-0c0b-4b53-8a83-1b0a6c3e9d42')),
  parameters: z
    .record(z.string(), z.unknown())
    .meta(about('Passed to the scripts as environment variables', { encoding: 'UTF8' })),
  secretParameters: z
    .array(z.string())
    .optional()
    .meta(about('Names of parameters that are secret', ['pin'])),
  items: z
    .array(z.string())
    .optional()
    .meta(about('What may be backed up and restored into', ['shop'])),
  hosts: z.array(
    z.object({
      name: z.string().optional().meta(about('Name for people', 'postgres0')),
      ip: z.string().meta(about('Address of the host', '10.0.0.5')),
      port: z.int().meta(about('TCP port; 0: none', 5432)),
      backup: z.boolean().meta(about('Whether dumps are taken from this host', true)),
    }),
  ),
  agent: z
    .object({
      url: z.string().meta(about('Where the agent listens', 'http://10.0.0.5:8000')),
      username: z.string().meta(about('User name', 'backup')),
      password: z.string().meta(about('Password, masked in responses', '***')),
    })
    .optional(),
})
export type ServiceInstance = z.infer<typeof serviceInstanceSchema>

/** Parameters for scripts, by name. A restore may carry its own: `{"mode": "in-place"}`. */
export const scriptParametersSchema = z
  .record(z.string().min(1).max(255), z.union([z.string().max(10_000), z.number(), z.boolean()]))
  .refine((parameters) => Object.keys(parameters).length <= 100, 'must have at most 100 parameters')

/** How other entities name their service instance: by `service_instance_id` alone, whatever else comes along. */
export const serviceInstanceReferenceSchema = z.object({
  service_instance_id: z.string().min(1).max(200).meta(about('Id of the service instance', 'shop-db')),
})

/**
 * An instance as a client sends it along with what belongs to it. What else than its id can be read describes an instance that is not
 * registered yet; what cannot be read is ignored.
 */
export const sentServiceInstanceRequestSchema = serviceInstanceReferenceSchema.extend({
  service_id: ignoringInvalid(optionalText(200)).meta({ description: 'Service in the catalog of the broker' }),
  plan_id: ignoringInvalid(optionalText(200)).meta({ description: 'Service plan in the catalog of the broker' }),
  organization_guid: ignoringInvalid(optionalText(200)).meta({ description: 'Cloud Foundry organization' }),
  space_guid: ignoringInvalid(optionalText(200)).meta({ description: 'Cloud Foundry space' }),
  parameters: ignoringInvalid(optional(z.record(z.string(), z.unknown()))).meta({
    description: 'Passed to the scripts as environment variables',
  }),
  hosts: ignoringInvalid(optional(z.array(hostSchema).max(100))).meta({
    description:
      'Hosts, which register an instance that is not registered yet if LEGACY_REGISTRATION_NETWORKS allows it',
  }),
})
export type SentServiceInstance = z.infer<typeof sentServiceInstanceRequestSchema>

import { z } from 'zod'
import { plainHttpUrl } from '../plain-http-url.ts'
import { lenientBoolean, lenientInteger, optional, optionalText } from './lenient.ts'

/** One machine of a service instance. The one marked `backup` is where dumps are taken. */
export const hostSchema = z.object({
  name: optionalText(255),
  ip: z.string().min(1).max(255),
  port: lenientInteger(1, 65_535),
  backup: optional(lenientBoolean),
})
export type Host = z.infer<typeof hostSchema>

/** Where the agent of a service instance listens, and its HTTP Basic credentials. */
export const agentAddressSchema = z.object({
  url: plainHttpUrl,
  username: z.string().min(1).max(255),
  password: optionalText(1000),
})

/** A service instance as a client registers it. An absent or masked password keeps the stored one. */
export const serviceInstanceRequestSchema = z.object({
  service_instance_id: optionalText(200),
  service_id: optionalText(200),
  plan_id: optionalText(200),
  organization_guid: optionalText(200),
  space_guid: optionalText(200),
  parameters: optional(z.record(z.string(), z.unknown())),
  hosts: z.array(hostSchema).min(1).max(100),
  username: optionalText(255),
  password: optionalText(1000),
  /** Additive: a second, privileged account, for scripts that need one. */
  backupUsername: optionalText(255),
  backupPassword: optionalText(1000),
  agent: agentAddressSchema,
})
export type ServiceInstanceRequest = z.infer<typeof serviceInstanceRequestSchema>

/** A service instance in an answer: the database's username and password are never serialised. */
export const serviceInstanceSchema = z.object({
  service_instance_id: z.string(),
  service_id: z.string().optional(),
  plan_id: z.string().optional(),
  organization_guid: z.string().optional(),
  space_guid: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()),
  hosts: z.array(z.object({ name: z.string().optional(), ip: z.string(), port: z.int(), backup: z.boolean() })),
  agent: z.object({ url: z.string(), username: z.string(), password: z.string() }).optional(),
})
export type ServiceInstance = z.infer<typeof serviceInstanceSchema>

/** Parameters for scripts, by name. A restore may carry its own: `{"mode": "in-place"}`. */
export const scriptParametersSchema = z
  .record(z.string().min(1).max(255), z.union([z.string().max(10_000), z.number(), z.boolean()]))
  .refine((parameters) => Object.keys(parameters).length <= 100, 'must have at most 100 parameters')

/** How other entities name their service instance: by `service_instance_id` alone, whatever else comes along. */
export const serviceInstanceReferenceSchema = z.object({ service_instance_id: z.string().min(1).max(200) })

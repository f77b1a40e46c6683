import { z } from 'zod'

/** Roles, each including the one before. */
export const roleSchema = z.enum(['viewer', 'operator', 'admin'])

/** Service instances that are granted: all of them, or these by id. */
export const grantsSchema = z.union([z.literal('all'), z.array(z.string().min(1).max(200)).max(1000)])

const tokenFields = { name: z.string().min(1).max(200), role: roleSchema, serviceInstances: grantsSchema }

/** `POST /tokens`. A token without `expiresAt` does not expire. */
export const tokenRequestSchema = z.object({ ...tokenFields, expiresAt: z.iso.datetime({ offset: true }).optional() })
export type TokenRequest = z.infer<typeof tokenRequestSchema>

/** A token in an answer: all but itself. */
export const tokenSchema = z.object({
  id: z.string(),
  ...tokenFields,
  createdAt: z.string(),
  expiresAt: z.string().optional(),
  /** To the minute. */
  lastUsedAt: z.string().optional(),
})
export type Token = z.infer<typeof tokenSchema>

/** Answer to `POST /tokens`: the only one that ever shows the token. */
export const tokenCreatedSchema = tokenSchema.extend({ token: z.string() })
export type TokenCreated = z.infer<typeof tokenCreatedSchema>

/** `PUT /brokerAccounts/{name}`: HTTP Basic credentials with which a service broker deprovisions. */
export const brokerAccountRequestSchema = z.object({
  password: z.string().min(16).max(200),
  serviceInstances: grantsSchema,
})
export type BrokerAccountRequest = z.infer<typeof brokerAccountRequestSchema>

/** A broker's account in an answer. */
export const brokerAccountSchema = z.object({ name: z.string(), serviceInstances: grantsSchema })
export type BrokerAccount = z.infer<typeof brokerAccountSchema>

/** Who did what to which object, when and from where. */
export const auditEntrySchema = z.object({
  id: z.string(),
  at: z.string(),
  caller: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
  address: z.string(),
  action: z.string(),
  path: z.string(),
  status: z.int(),
  service_instance_id: z.string().optional(),
})
export type AuditEntry = z.infer<typeof auditEntrySchema>

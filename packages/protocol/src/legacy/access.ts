import { z } from 'zod'
import { about } from '../about.ts'

/** Roles, each after `broker` including the one before. */
export const roleSchema = z.enum(['broker', 'viewer', 'operator', 'admin'])

/** Service instances that are granted: all of them, or these by id. */
export const grantsSchema = z.union([z.literal('all'), z.array(z.string().min(1).max(200)).max(1000)])

const tokenFields = {
  name: z.string().min(1).max(200).meta(about('Name for people', 'night shift')),
  role: roleSchema.meta(about('Role', 'operator')),
  /** Additive. */
  permissions: z
    .array(z.enum(['delete-backups']))
    .max(10)
    .optional()
    .meta(about('What it may do besides its role', ['delete-backups'])),
  serviceInstances: grantsSchema.meta(about('Granted service instances', ['shop-db'])),
}

/** `POST /tokens`. A token without `expiresAt` does not expire. */
export const tokenRequestSchema = z.object({
  ...tokenFields,
  expiresAt: z.iso.datetime({ offset: true }).optional().meta(about('When it expires', '2046-03-01T00:00:00Z')),
})
export type TokenRequest = z.infer<typeof tokenRequestSchema>

/** A token in an answer: all but itself. */
export const tokenSchema = z.object({
  id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
  ...tokenFields,
  createdAt: z.string().meta(about('When it was created', '2026-03-01T02:00:00.000+00:00')),
  expiresAt: z.string().optional().meta(about('When it expires', '2046-03-01T00:00:00Z')),
  /** To the minute. */
  lastUsedAt: z.string().optional().meta(about('When it was last used', '2026-03-01T02:00:00.000+00:00')),
})
export type Token = z.infer<typeof tokenSchema>

/** Answer to `POST /tokens`: the only one that ever shows the token. */
export const tokenCreatedSchema = tokenSchema.extend({
  token: z.string().meta(about('The token, shown only once', 'osbb_mU3bq0cZc7…')),
})
export type TokenCreated = z.infer<typeof tokenCreatedSchema>

/** `PUT /brokerAccounts/{name}`: HTTP Basic credentials with which a service broker deprovisions. */
export const brokerAccountRequestSchema = z.object({
  password: z.string().min(16).max(200).meta(about('Password; absent keeps the stored one', 'a password of yours')),
  serviceInstances: grantsSchema.meta(about('Granted service instances', ['shop-db'])),
})
export type BrokerAccountRequest = z.infer<typeof brokerAccountRequestSchema>

/** A broker's account in an answer. */
export const brokerAccountSchema = z.object({
  name: z.string().meta(about('Name for people', 'night shift')),
  serviceInstances: grantsSchema.meta(about('Granted service instances', ['shop-db'])),
})
export type BrokerAccount = z.infer<typeof brokerAccountSchema>

/** Who did what to which object, when and from where. */
export const auditEntrySchema = z.object({
  id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
  at: z.string().meta(about('When', '2026-03-01T02:00:00.000+00:00')),
  caller: z.object({
    kind: z.string().meta(about('How the caller authenticated', 'token')),
    id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
    name: z.string().meta(about('Name for people', 'night shift')),
  }),
  address: z.string().meta(about('From where', '10.0.0.7')),
  action: z.string().meta(about('Method and route', 'POST /backup')),
  path: z.string().meta(about('Path, without the query', '/backup')),
  status: z.int().meta(about('HTTP status of the answer', 201)),
  service_instance_id: z.string().optional().meta(about('Id of the service instance', 'shop-db')),
})
export type AuditEntry = z.infer<typeof auditEntrySchema>

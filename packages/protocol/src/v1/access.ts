import { z } from 'zod'
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

export const roles = ['broker', 'viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

export const permissions = ['delete-backups'] as const
export type Permission = (typeof permissions)[number]

const role = z
  .enum(roles)
  .meta(
    about(
      'What it may do: each role after `broker` includes the one before; a `broker` registers and deregisters its own instances, and restores their backups into them',
      'operator',
    ),
  )
const instances = z
  .union([z.literal('all'), z.array(z.string().min(1).max(200)).max(1000)])
  .meta(about('The service instances that it may reach: `all`, or their ids', ['shop-db']))
const tokenFields = {
  name: z.string().min(1).max(200).meta(about('A name for people', 'night shift')),
  role,
  permissions: z
    .array(z.enum(permissions))
    .max(10)
    .optional()
    .meta(
      about('What it may do besides its role: delete restore points, release them, shorten a retention', [
        'delete-backups',
      ]),
    ),
  instances,
  expiresAt: instantSchema.optional().meta(about('When it expires; absent for never', '2046-03-01T00:00:00.000Z')),
}

/** `POST /v1/tokens`. */
export const tokenCreateSchema = z.strictObject(tokenFields)
export type TokenCreate = z.infer<typeof tokenCreateSchema>

/** A token in an answer: everything but the token itself. */
export const tokenSchema = z.object({
  id: idSchema.meta(about('Id of the token', EXAMPLE_ID)),
  ...tokenFields,
  createdAt: instantSchema.meta(about('When it was created', EXAMPLE_INSTANT)),
  lastUsedAt: instantSchema.optional().meta(about('When it was last used, to the minute', EXAMPLE_INSTANT)),
})
export type Token = z.infer<typeof tokenSchema>

/** Answer to `POST /v1/tokens`. */
export const tokenCreatedSchema = tokenSchema.extend({
  token: z.string().meta(about('The token. Shown only once', 'osbb_mU3bq0cZc7…')),
})
export type TokenCreated = z.infer<typeof tokenCreatedSchema>

/** `GET /v1/tokens`. */
export const tokenQuerySchema = z.strictObject({ ...pagingFields, q: searchField('the name') })
export type TokenQuery = z.input<typeof tokenQuerySchema>

const accountName = z
  .string()
  .regex(/^[\w.-]{1,100}$/, 'must be 1 to 100 letters, digits or . _ -')
  .meta(about('The user name of HTTP Basic authentication', 'broker-1'))

/** `POST /v1/broker-accounts`: credentials with which a service broker deprovisions over the legacy paths, and a platform uses `/v2`. */
export const brokerAccountCreateSchema = z.strictObject({
  name: accountName,
  password: z.string().min(16).max(200).meta(about('Write-only', 'a password of yours')),
  instances,
})
export type BrokerAccountCreate = z.infer<typeof brokerAccountCreateSchema>

/** `PATCH /v1/broker-accounts/{name}`. */
export const brokerAccountPatchSchema = brokerAccountCreateSchema.omit({ name: true }).partial()
export type BrokerAccountPatch = z.infer<typeof brokerAccountPatchSchema>

/** A broker's account in an answer. */
export const brokerAccountSchema = z.object({
  name: accountName,
  instances,
  passwordSet: z.boolean().meta(about('Whether a password is stored; always true', true)),
  createdAt: instantSchema.meta(about('When it was created', EXAMPLE_INSTANT)),
})
export type BrokerAccount = z.infer<typeof brokerAccountSchema>

/** `GET /v1/broker-accounts`. */
export const brokerAccountQuerySchema = z.strictObject({ ...pagingFields, q: searchField('the name') })
export type BrokerAccountQuery = z.input<typeof brokerAccountQuerySchema>

/** Who did what, when and from where. */
export const auditEntrySchema = z.object({
  id: idSchema.meta(about('Id of the entry', '4711')),
  at: instantSchema.meta(about('When', EXAMPLE_INSTANT)),
  caller: z
    .object({
      kind: z.string().meta(about('`token`, `user`, `broker`, `command` or `agent`', 'token')),
      id: z.string().meta(about('Id of the token, subject of the user, or name of the account', EXAMPLE_ID)),
      name: z.string().meta(about('A name for people', 'night shift')),
    })
    .meta({ description: 'Who' }),
  address: z.string().meta(about('From where', '10.0.0.7')),
  action: z.string().meta(about('Method and route', 'POST /v1/plans/:id/run')),
  path: z.string().meta(about('Path, without the query', `/v1/plans/${EXAMPLE_ID}/run`)),
  status: z.int().meta(about('The HTTP status of the answer', 202)),
  instanceId: idSchema.optional().meta(about('The service instance that it concerned', 'shop-db')),
})
export type AuditEntry = z.infer<typeof auditEntrySchema>

/** `GET /v1/audit-entries`. */
export const auditQuerySchema = z.strictObject({
  ...pagingFields,
  instance: filterFields.instance,
  since: filterFields.since,
  until: filterFields.until,
  q: searchField('the name of the caller, the action or the path'),
})
export type AuditQuery = z.input<typeof auditQuerySchema>

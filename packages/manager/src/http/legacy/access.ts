import {
  about,
  brokerAccountRequestSchema,
  brokerAccountSchema,
  tokenCreatedSchema,
  tokenRequestSchema,
  tokenSchema,
  type Token as WireToken,
} from '@osb-backup/protocol'
import { z } from 'zod'
import type { Grants } from '../../access/caller.ts'
import {
  deleteBrokerAccount,
  hasBrokerAccount,
  listBrokerAccounts,
  saveBrokerAccount,
} from '../../broker-accounts/service.ts'
import type { Context } from '../../context/context.ts'
import { createToken, listTokens, revokeToken } from '../../tokens/service.ts'
import type { Token } from '../../tokens/token.ts'
import type { App } from '../typed-app.ts'
import { idParams } from './params.ts'

const nameParams = z.object({
  name: z
    .string()
    .regex(/^[\w.@-]{1,100}$/, 'must be 1 to 100 letters, digits or . _ @ -')
    .meta(about('Name of the account', 'broker-1')),
})

const grantsToWire = (grants: Grants) => (grants === 'all' ? ('all' as const) : [...grants])

function tokenToWire(token: Token): WireToken {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    permissions: token.permissions.length === 0 ? undefined : [...token.permissions],
    serviceInstances: grantsToWire(token.grants),
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString(),
    lastUsedAt: token.lastUsedAt?.toISOString(),
  }
}

/** Tokens and broker accounts, for admins. */
export function accessRoutes(app: App, context: Context): void {
  const config = { access: 'admin' } as const
  const audited = { ...config, audited: true } as const

  app.get(
    '/tokens',
    {
      config: audited,
      schema: { summary: 'List the tokens, without their secrets', response: { 200: z.array(tokenSchema) } },
    },
    async (request) => (await listTokens(context, request.call)).map(tokenToWire),
  )

  app.post(
    '/tokens',
    {
      config,
      schema: {
        summary: 'Create a token; only this response contains it',
        body: tokenRequestSchema,
        response: { 201: tokenCreatedSchema },
      },
    },
    async (request, reply) => {
      const { name, role, permissions = [], serviceInstances, expiresAt } = request.body
      const expires = expiresAt === undefined ? undefined : new Date(expiresAt)
      const wanted = { name, role, permissions, grants: serviceInstances, expiresAt: expires }
      const { token, secret } = await createToken(context, request.call, wanted)
      return reply.code(201).send({ ...tokenToWire(token), token: secret })
    },
  )

  app.delete(
    '/tokens/:id',
    { config, schema: { summary: 'Revoke a token', params: idParams, response: { 204: z.null() } } },
    async (request, reply) => {
      await revokeToken(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/brokerAccounts',
    {
      config: audited,
      schema: { summary: 'List the broker accounts', response: { 200: z.array(brokerAccountSchema) } },
    },
    async (request) =>
      (await listBrokerAccounts(context, request.call)).map(({ name, grants }) => ({
        name,
        serviceInstances: grantsToWire(grants),
      })),
  )

  app.put(
    '/brokerAccounts/:name',
    {
      config,
      schema: {
        summary: 'Create a broker account, or replace its password and its instances',
        params: nameParams,
        body: brokerAccountRequestSchema,
        response: { 200: brokerAccountSchema, 201: brokerAccountSchema },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const { password, serviceInstances } = request.body
      const status = (await hasBrokerAccount(context, name)) ? 200 : 201
      request.call.audit.status = status
      await saveBrokerAccount(context, request.call, { name, password, grants: serviceInstances })
      return reply.code(status).send({ name, serviceInstances })
    },
  )

  app.delete(
    '/brokerAccounts/:name',
    { config, schema: { summary: 'Delete a broker account', params: nameParams, response: { 204: z.null() } } },
    async (request, reply) => {
      await deleteBrokerAccount(context, request.call, request.params.name)
      return reply.code(204).send(null)
    },
  )
}

import {
  brokerAccountRequestSchema,
  brokerAccountSchema,
  tokenCreatedSchema,
  tokenRequestSchema,
  tokenSchema,
  type Token as WireToken,
} from '@osb-backup/protocol'
import { z } from 'zod'
import { listBrokerAccounts, removeBrokerAccount, saveBrokerAccount } from '../../broker-accounts/repository.ts'
import type { Context } from '../../context/context.ts'
import { notFound, RequestError } from '../../shared/request-error.ts'
import { createToken, listTokens, revokeToken, type Token } from '../../tokens/repository.ts'
import type { App } from '../typed-app.ts'

const idParams = z.object({ id: z.string().max(100) })
const nameParams = z.object({
  name: z.string().regex(/^[\w.@-]{1,100}$/, 'must be 1 to 100 letters, digits or . _ @ -'),
})

function tokenToWire(token: Token): WireToken {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    serviceInstances: token.grants === 'all' ? 'all' : [...token.grants],
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString(),
    lastUsedAt: token.lastUsedAt?.toISOString(),
  }
}

/** Tokens and broker accounts, for admins. */
export function accessRoutes(app: App, context: Context): void {
  const config = { access: 'admin' } as const

  app.get(
    '/tokens',
    { config, schema: { summary: 'List the tokens, without themselves', response: { 200: z.array(tokenSchema) } } },
    async () => (await listTokens(context)).map(tokenToWire),
  )

  app.post(
    '/tokens',
    {
      config,
      schema: {
        summary: 'Make a token; this answer alone shows it',
        body: tokenRequestSchema,
        response: { 201: tokenCreatedSchema },
      },
    },
    async (request, reply) => {
      const { name, role, serviceInstances, expiresAt } = request.body
      const now = context.now()
      const expires = expiresAt === undefined ? undefined : new Date(expiresAt)
      if (expires !== undefined && expires <= now) {
        throw new RequestError('invalid', 'expiresAt lies in the past.', { field: 'expiresAt' })
      }
      const wanted = { name, role, grants: serviceInstances, expiresAt: expires }
      const { kept, token } = await createToken(context, wanted, now)
      return reply.code(201).send({ ...tokenToWire(kept), token })
    },
  )

  app.delete(
    '/tokens/:id',
    { config, schema: { summary: 'Revoke a token', params: idParams, response: { 204: z.null() } } },
    async (request, reply) => {
      const { id } = request.params
      if (request.caller.kind === 'token' && request.caller.id === id) {
        throw new RequestError('conflict', 'A token cannot revoke itself: use another admin token.')
      }
      if (!(await revokeToken(context, id))) throw notFound('token', id)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/brokerAccounts',
    { config, schema: { summary: 'List the accounts of brokers', response: { 200: z.array(brokerAccountSchema) } } },
    async () =>
      (await listBrokerAccounts(context)).map(({ name, grants }) => ({
        name,
        serviceInstances: grants === 'all' ? ('all' as const) : [...grants],
      })),
  )

  app.put(
    '/brokerAccounts/:name',
    {
      config,
      schema: {
        summary: 'Make the account of a broker, or give it another password or other instances',
        params: nameParams,
        body: brokerAccountRequestSchema,
        response: { 200: brokerAccountSchema, 201: brokerAccountSchema },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const { password, serviceInstances } = request.body
      const isNew = await saveBrokerAccount(context, { name, password, grants: serviceInstances })
      return reply.code(isNew ? 201 : 200).send({ name, serviceInstances })
    },
  )

  app.delete(
    '/brokerAccounts/:name',
    { config, schema: { summary: 'Remove the account of a broker', params: nameParams, response: { 204: z.null() } } },
    async (request, reply) => {
      const { name } = request.params
      if (!(await removeBrokerAccount(context, name))) throw notFound('broker account', name)
      return reply.code(204).send(null)
    },
  )
}

import {
  listOf,
  tokenCreatedSchema,
  tokenCreateSchema,
  tokenQuerySchema,
  tokenSchema,
  type Token as WireToken,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { createToken, getToken, revokeToken, searchTokens } from '../../tokens/service.ts'
import type { Token } from '../../tokens/token.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { grantsToWire } from './grants.ts'
import { keysetOf, toDate, toList } from './lists.ts'
import { idParams as params } from './params.ts'

const config = { access: 'admin' } as const
/** Who reads which credentials there are is recorded too. */
const audited = { ...config, audited: true } as const

/** Tokens: created, listed and revoked. */
export function tokenRoutes(app: App, context: Context): void {
  app.get(
    '/v1/tokens',
    {
      config: audited,
      schema: { summary: 'List tokens', querystring: tokenQuerySchema, response: { 200: listOf(tokenSchema) } },
    },
    async (request) => {
      const { q, ...paging } = request.query
      return toList(await searchTokens(context, request.call, q, keysetOf(paging)), toWire)
    },
  )

  app.get(
    '/v1/tokens/:id',
    { config: audited, schema: { summary: 'Show a token, without itself', params, response: { 200: tokenSchema } } },
    async (request) => toWire(await getToken(context, request.call, request.params.id)),
  )

  app.post(
    '/v1/tokens',
    {
      config,
      schema: {
        summary: 'Create a token; it is shown only once',
        headers: idempotencyKeyHeader,
        body: tokenCreateSchema,
        response: { 201: tokenCreatedSchema },
      },
    },
    async (request, reply) => {
      const { name, role, permissions = [], instances, expiresAt } = request.body
      const wanted = { name, role, permissions, grants: instances, expiresAt: toDate(expiresAt) }
      const { token, secret } = await createToken(context, request.call, wanted, parseIdempotencyKey(request))
      reply.header('Location', `/v1/tokens/${token.id}`)
      return reply.code(201).send({ ...toWire(token), token: secret })
    },
  )

  app.delete(
    '/v1/tokens/:id',
    { config, schema: { summary: 'Revoke a token', params, response: { 204: z.null() } } },
    async (request, reply) => {
      await revokeToken(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function toWire({ id, name, role, permissions, grants, createdAt, expiresAt, lastUsedAt }: Token): WireToken {
  return {
    id,
    name,
    role,
    permissions: permissions.length === 0 ? undefined : [...permissions],
    instances: grantsToWire(grants),
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString(),
  }
}

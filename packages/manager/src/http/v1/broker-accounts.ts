import {
  brokerAccountCreateSchema,
  brokerAccountPatchSchema,
  brokerAccountQuerySchema,
  brokerAccountSchema,
  listOf,
  type BrokerAccount as WireAccount,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { BrokerAccount } from '../../broker-accounts/broker-account.ts'
import {
  createBrokerAccount,
  deleteBrokerAccount,
  getBrokerAccount,
  searchBrokerAccounts,
  updateBrokerAccount,
} from '../../broker-accounts/service.ts'
import type { Context } from '../../context/context.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { grantsToWire } from './grants.ts'
import { keysetOf, toList } from './lists.ts'

const config = { access: 'admin' } as const
/** Who reads which credentials there are is recorded too. */
const audited = { ...config, audited: true } as const
const params = z.object({ name: brokerAccountSchema.shape.name })

/** The accounts of service brokers, which deprovision over the legacy paths. */
export function brokerAccountRoutes(app: App, context: Context): void {
  app.get(
    '/v1/broker-accounts',
    {
      config: audited,
      schema: {
        summary: 'List broker accounts',
        querystring: brokerAccountQuerySchema,
        response: { 200: listOf(brokerAccountSchema) },
      },
    },
    async (request) => {
      const { q, ...paging } = request.query
      return toList(await searchBrokerAccounts(context, request.call, q, keysetOf(paging)), toWire)
    },
  )

  app.get(
    '/v1/broker-accounts/:name',
    {
      config: audited,
      schema: { summary: 'Show the account of a broker', params, response: { 200: brokerAccountSchema } },
    },
    async (request) => toWire(await getBrokerAccount(context, request.call, request.params.name)),
  )

  app.post(
    '/v1/broker-accounts',
    {
      config,
      schema: {
        summary: 'Create a broker account',
        headers: idempotencyKeyHeader,
        body: brokerAccountCreateSchema,
        response: { 201: brokerAccountSchema },
      },
    },
    async (request, reply) => {
      const { name, password, instances } = request.body
      const wanted = { name, password, grants: instances }
      const account = await createBrokerAccount(context, request.call, wanted, parseIdempotencyKey(request))
      return reply.code(201).header('Location', `/v1/broker-accounts/${name}`).send(toWire(account))
    },
  )

  app.patch(
    '/v1/broker-accounts/:name',
    {
      config,
      schema: {
        summary: 'Change the password or the instances of a broker account',
        params,
        body: brokerAccountPatchSchema,
        response: { 200: brokerAccountSchema },
      },
    },
    async (request) => {
      const { password, instances } = request.body
      const { name } = request.params
      return toWire(await updateBrokerAccount(context, request.call, { name, password, grants: instances }))
    },
  )

  app.delete(
    '/v1/broker-accounts/:name',
    { config, schema: { summary: 'Delete the account of a broker', params, response: { 204: z.null() } } },
    async (request, reply) => {
      await deleteBrokerAccount(context, request.call, request.params.name)
      return reply.code(204).send(null)
    },
  )
}

function toWire({ name, grants, createdAt }: BrokerAccount & { createdAt: Date }): WireAccount {
  return { name, instances: grantsToWire(grants), passwordSet: true, createdAt: createdAt.toISOString() }
}

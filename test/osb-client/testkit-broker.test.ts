import { randomUUID } from 'node:crypto'
import { brokerPlans, type PostgresqlBroker, SERVICE_ID } from '@osb-backup/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from './broker-fixture.ts'

let broker: PostgresqlBroker

beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(broker.url + path, {
    method,
    headers: {
      authorization: `Basic ${btoa(`${broker.username}:${broker.password}`)}`,
      'x-broker-api-version': '2.17',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as ReturnType<JSON['parse']> }
}

const of = (plan: { id: string }) => ({ service_id: SERVICE_ID, plan_id: plan.id })
const named = (plan: { id: string }) => new URLSearchParams(of(plan)).toString()

test('a database is sold at once, bound, and gone in the end', async () => {
  const [id, bindingId] = [randomUUID(), randomUUID()]
  const [path, plan] = [`/v2/service_instances/${id}`, brokerPlans.small]
  const binding = `${path}/service_bindings/${bindingId}`
  expect((await call('PUT', path, of(plan))).status).toBe(201)
  expect((await call('PUT', path, of(plan))).status).toBe(200)
  expect((await call('PUT', path, { ...of(plan), parameters: { other: true } })).status).toBe(409)
  expect((await call('GET', path)).body).toMatchObject(of(plan))
  const bound = await call('PUT', binding, of(plan))
  expect(bound.status).toBe(201)
  const client = new Client({ connectionString: bound.body.credentials.uri })
  await client.connect()
  await client.query('create table t (id int)')
  expect((await client.query('select tableowner from pg_tables where tablename = $1', ['t'])).rows).toEqual([
    { tableowner: broker.databases.nameOf(id) },
  ])
  await client.end()
  expect((await call('DELETE', `${path}?${named(plan)}`)).status).toBe(400)
  expect((await call('DELETE', `${binding}?${named(plan)}`)).status).toBe(200)
  expect((await call('DELETE', `${binding}?${named(plan)}`)).status).toBe(410)
  expect((await call('DELETE', path)).status).toBe(400)
  expect((await call('DELETE', `${path}?${named(plan)}`)).status).toBe(200)
  expect((await call('DELETE', `${path}?${named(plan)}`)).status).toBe(410)
})

test('what is done in the background is answered with 202, polled, and refused to platforms that cannot wait', async () => {
  const [id, bindingId] = [randomUUID(), randomUUID()]
  const [path, plan] = [`/v2/service_instances/${id}`, brokerPlans.cluster]
  const binding = `${path}/service_bindings/${bindingId}`
  const settled = async (at: string, operation: string) => {
    await expect
      .poll(async () => (await call('GET', `${at}/last_operation?operation=${operation}`)).body.state)
      .toBe('succeeded')
  }
  expect(await call('PUT', path, of(plan))).toMatchObject({ status: 422, body: { error: 'AsyncRequired' } })
  const provisioned = await call('PUT', `${path}?accepts_incomplete=true`, of(plan))
  expect(provisioned.status).toBe(202)
  await settled(path, provisioned.body.operation)
  const bound = await call('PUT', `${binding}?accepts_incomplete=true`, of(plan))
  expect(bound).toMatchObject({ status: 202, body: { operation: expect.any(String) } })
  await settled(binding, bound.body.operation)
  expect((await call('GET', binding)).body.credentials).toMatchObject({ uri: expect.any(String) })
  expect((await call('DELETE', `${binding}?accepts_incomplete=true&${named(plan)}`)).status).toBe(202)
  await expect.poll(async () => (await call('GET', `${binding}/last_operation`)).status).toBe(410)
  expect((await call('DELETE', `${path}?accepts_incomplete=true&${named(plan)}`)).status).toBe(202)
  await expect.poll(async () => (await call('GET', `${path}/last_operation`)).status).toBe(410)
})

test('strangers, other versions of the API, and requests without a plan are refused', async () => {
  expect((await call('GET', '/v2/catalog', undefined, { authorization: 'Basic eDp5' })).status).toBe(401)
  expect((await call('GET', '/v2/catalog', undefined, { 'x-broker-api-version': '1.0' })).status).toBe(412)
  expect((await call('PUT', `/v2/service_instances/${randomUUID()}`, { service_id: 'x' })).status).toBe(400)
  expect((await call('GET', '/v2/catalog')).body.services[0].plans).toHaveLength(4)
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { accessOf, registerBroker, startBroker } from '../osb-client/broker-fixture.ts'

interface Operation {
  method: string
  path: string
  parameters: { name: string; in: string }[]
  example: unknown
}

let api: Fixture
let operations: Operation[]

beforeAll(async () => {
  api = await startFixture()
  const { body } = await api.call('GET', '/openapi.json')
  type Described = {
    parameters?: Operation['parameters']
    requestBody?: { content: Record<string, { example: unknown }> }
  }
  operations = Object.entries<Record<string, Described>>(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters = [], requestBody }]) =>
      path.startsWith('/v1/')
        ? [
            {
              method: method.toUpperCase(),
              path,
              parameters,
              example: requestBody?.content['application/json']?.example,
            },
          ]
        : [],
    ),
  )
})

afterAll(() => api?.[Symbol.asyncDispose]())

/** A body with one more field in one of its objects, and where that is. */
function withUnknownFields(body: unknown, path: string[] = []): { body: unknown; field: string }[] {
  if (Array.isArray(body)) {
    return body.flatMap((entry, index) =>
      withUnknownFields(entry, [...path, String(index)]).map((inner) => ({
        ...inner,
        body: body.with(index, inner.body),
      })),
    )
  }
  if (typeof body !== 'object' || body === null) return []
  // Parameters are the instance's own.
  const inner = Object.entries(body).flatMap(([name, value]) =>
    name === 'parameters'
      ? []
      : withUnknownFields(value, [...path, name]).map((each) => ({ ...each, body: { ...body, [name]: each.body } })),
  )
  return [{ body: { ...body, tpyo: 1 }, field: [...path, 'tpyo'].join('.') }, ...inner]
}

test('an unknown field of any body, at any depth, is refused by its name', async () => {
  let tried = 0
  for (const { method, path, example } of operations) {
    for (const { body, field } of withUnknownFields(example)) {
      const answer = await api.call(method, path.replace(/\{\w+\}/g, 'unknown'), body)
      const { code, field: named } = answer.body
      expect([method, path, answer.status, code, named]).toEqual([method, path, 400, 'unknown-field', field])
      tried++
    }
  }
  expect(tried).toBeGreaterThan(20)
})

test('an unknown query parameter of any list is refused by its name', async () => {
  const lists = operations.filter(({ parameters }) => parameters.some(({ in: place }) => place === 'query'))
  expect(lists.length).toBeGreaterThan(8)
  for (const { method, path } of lists) {
    const { status, body } = await api.call(method, `${path.replace(/\{\w+\}/g, 'unknown')}?stats=failed`)
    expect([path, status, body.code, body.field]).toEqual([path, 400, 'unknown-field', 'stats'])
  }
})

const policy = (name: string) => ({ name, selector: { labels: ['none'] }, floor: { minimumRetentionDays: 1 } })
const exemption = (id: string) => ({
  instanceId: id,
  reason: 'a test',
  expiresAt: new Date(Date.now() + 60_000).toISOString(),
})

const webhook = (name: string) => ({
  name,
  transport: {
    kind: 'webhook',
    url: 'https://hooks.example/backups',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  },
})

test('whatever is patched has an ETag, and If-Match keeps changes from being overwritten', async () => {
  const plan = await api.createPlan()
  const { body: channel } = await api.call('POST', '/v1/notification-channels', webhook('patched'))
  const { body: gold } = await api.call('POST', '/v1/policies', policy('patched'))
  const { body: exempt } = await api.call('POST', '/v1/policy-exemptions', exemption(instanceId))
  await using broker = await startBroker()
  const { body: registered } = await api.call('POST', '/v1/service-brokers', { name: 'patched', ...accessOf(broker) })
  const patches: Record<string, { id: string; patch: object }> = {
    '/v1/instances/{id}': { id: instanceId, patch: { serviceId: 's' } },
    '/v1/agents/{id}': { id: api.agentId, patch: { name: 'n' } },
    '/v1/destinations/{id}': { id: api.destinationId, patch: { name: 'n' } },
    '/v1/plans/{id}': { id: plan.id, patch: { rpoSeconds: 60 } },
    '/v1/notification-channels/{id}': { id: channel.id, patch: { name: 'n' } },
    '/v1/policies/{id}': { id: gold.id, patch: { name: 'n' } },
    '/v1/policy-exemptions/{id}': { id: exempt.id, patch: { reason: 'another test' } },
    '/v1/service-brokers/{id}': { id: registered.id, patch: { name: 'n' } },
  }
  const versioned = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'if-match'))
  expect(versioned.map(({ path }) => path).sort()).toEqual(Object.keys(patches).sort())
  for (const { path } of versioned) {
    const { id = '', patch } = patches[path] ?? {}
    const url = path.replace('{id}', id)
    const read = await api.call('GET', url)
    const etag = read.headers.get('etag') ?? ''
    expect([path, etag]).toEqual([path, expect.stringMatching(/^"\d+"$/)])
    const changed = await api.call('PATCH', url, patch, { 'if-match': etag })
    expect([path, changed.status]).toEqual([path, 200])
    expect(changed.headers.get('etag')).not.toBe(etag)
    expect((await api.call('GET', url)).headers.get('etag')).toBe(changed.headers.get('etag'))
    const stale = await api.call('PATCH', url, patch, { 'if-match': etag })
    expect([path, stale.status, stale.body.code]).toEqual([path, 412, 'version-mismatch'])
    const again = await api.call('PATCH', url, patch)
    expect([path, again.status]).toEqual([path, 200])
    const asMergePatch = await api.call('PATCH', url, patch, { 'content-type': 'application/merge-patch+json' })
    expect([path, asMergePatch.status]).toEqual([path, 200])
  }
  await api.client.plans.delete(plan.id)
})

test('a creating request that is sent again with its key creates nothing, and gets what it created', async () => {
  const hosts = [{ address: '10.0.0.6', port: 5432 }]
  await api.client.instances.create({ id: 'drills', agentId: api.agentId, hosts, drillTarget: true })
  const plan = await api.createPlan({ drill: { target: { kind: 'instance', instanceId: 'drills' } } })
  await api.runPlan(plan.id)
  const point = await api.newestPoint(plan.id)
  const schedule = { cron: '@daily' }
  await using broker = await startBroker()
  const serviceBroker = await registerBroker(api.client, broker)
  const provisioning = { serviceBrokerId: serviceBroker.id, service: 'postgresql', servicePlan: 'small' }
  const bodies: Record<string, { id?: string; body?: object; shownOnce?: boolean }> = {
    '/v1/instances': { body: { id: 'once', agentId: api.agentId, hosts: [{ address: '10.0.0.7', port: 5432 }] } },
    '/v1/agents': { body: { url: 'http://127.0.0.1:9', username: 'a', password: 'b' } },
    '/v1/destinations': {
      body: { instanceId, name: 'once', store: { kind: 'file', directory: api.store } },
    },
    '/v1/plans': {
      body: {
        instanceId,
        name: 'once',
        destinationId: api.destinationId,
        items: ['a'],
        schedule,
        retention: { style: 'all' },
      },
    },
    '/v1/plans/{id}/run': { id: plan.id },
    '/v1/plans/{id}/drill': { id: plan.id, body: {} },
    '/v1/restore-points/{id}/restore': { id: point.id, body: {} },
    '/v1/restore-points/{id}/verify': { id: point.id },
    '/v1/destinations/{id}/reconcile': { id: api.destinationId, body: {} },
    '/v1/tokens': { body: { name: 'once', role: 'viewer', instances: 'all' }, shownOnce: true },
    '/v1/notification-channels': { body: webhook('once') },
    '/v1/broker-accounts': { body: { name: 'once', password: 'a long enough password', instances: 'all' } },
    '/v1/policies': { body: policy('once') },
    '/v1/policy-exemptions': { body: exemption('once') },
    '/v1/service-brokers': { body: { name: 'once', ...accessOf(broker) } },
    '/v1/provisioned-instances': { body: { instanceId, ...provisioning } },
    '/v1/instances/{id}/clone': { id: instanceId, body: { target: { kind: 'instance', instanceId: 'once' } } },
  }
  const creating = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'idempotency-key'))
  expect(creating.map(({ path }) => path).sort()).toEqual(Object.keys(bodies).sort())
  for (const { path } of creating) {
    const { id = '', body, shownOnce } = bodies[path] ?? {}
    const url = path.replace('{id}', id)
    const headers = { 'idempotency-key': `key of ${path}`.replaceAll(' ', '-') }
    const first = await api.call('POST', url, body, headers)
    expect([path, first.status < 300, first.text]).toEqual([path, true, first.text])
    const again = await api.call('POST', url, body, headers)
    if (shownOnce) {
      expect([path, again.status, again.body.field]).toEqual([path, 409, 'Idempotency-Key'])
    } else {
      expect([path, again.status]).toEqual([path, first.status])
      expect(again.body.id ?? again.body.name).toBe(first.body.id ?? first.body.name)
    }
    const other = await api.call('POST', url, { ...body, name: 'another' }, headers)
    const isForm = other.status === 400
    expect([path, isForm || other.body.code]).toEqual([path, isForm || 'idempotency-key-reused'])
  }
})

test('at the same time, too: of many requests with one key one creates', async () => {
  const plan = await api.createPlan({ items: ['started once'] })
  const headers = { 'idempotency-key': 'at-once' }
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => api.call('POST', `/v1/plans/${plan.id}/run`, undefined, headers)),
  )
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
  expect((await api.client.jobs.list({ plan: plan.id })).items).toHaveLength(1)
})

test('a refusal is a problem document, whatever the client accepts', async () => {
  for (const accept of ['text/plain', 'application/json', '*/*']) {
    const { status, headers, body } = await api.call('GET', '/v1/plans/unknown', undefined, { accept })
    expect([status, headers.get('content-type')]).toEqual([404, 'application/problem+json'])
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      code: 'not-found',
      detail: 'There is no backup plan "unknown".',
    })
  }
  const broken = await api.call('GET', '/v1/no-such-path')
  expect(broken.body).toMatchObject({ status: 404, code: 'not-found' })
})

import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { unreachableAgent } from '../fixtures/register-instance.ts'
import { catalogSchema } from './osb-schemas.ts'
import {
  bindingPathOf,
  DAILY,
  HOURLY,
  Platform,
  pathOf,
  protect,
  registerDatabase,
  SERVICE,
  SPACE,
} from './platform.ts'

let fixture: Fixture
let platform: Platform
/** A registered service instance, and the catalog's version of the plan that has one. */
let database: string
const VERSION = '2.1.0'

/** The default catalog, with what the specification lets a catalog say besides. */
async function writeCatalog(path: string): Promise<void> {
  const template = { schedule: { cron: '0 0 2 * * *' }, retention: { style: 'count', period: 2 } }
  const plan = (id: string, name: string, more: object = {}, backup: object = {}) => ({
    ...{ id, name, description: `Backups, ${name}.`, backup: { template, ...backup }, ...more },
  })
  const plans = [
    plan(DAILY, 'daily', { maintenance_info: { version: VERSION } }),
    plan(HOURLY, 'hourly'),
    plan('fixed', 'fixed', { plan_updateable: false }),
    plan('few', 'few', {}, { limits: { maxItems: 1 } }),
    plan('last', 'last', {}, { deprovision: { lastBackup: true } }),
  ]
  const service = { id: SERVICE, name: 'backup', description: 'Backups of service instances.', plans }
  await writeFile(path, JSON.stringify({ services: [service] }))
}

beforeAll(async () => {
  fixture = await startFixture()
  const path = join(fixture.folder, 'catalog.json')
  await writeCatalog(path)
  await fixture.restartManager({
    BROKER_CATALOG: path,
    PUBLIC_URL: 'https://backup.example',
    OIDC_ISSUER: 'https://uaa.example',
    OIDC_AUDIENCE: 'dashboard',
    OIDC_DASHBOARD_CLIENT_ID: 'dashboard',
    OIDC_DASHBOARD_CLIENT_SECRET: 'secret of the dashboard',
  })
  platform = await Platform.create(fixture, 'conformance')
  database = await registerDatabase(fixture, unreachableAgent, { items: ['shop', 'orders', 'users'] })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

const withDatabase = (fields: object = {}) => ({ parameters: { service_instance: database, ...fields } })
const instance = (parameters: object = {}) => protect(platform, database, parameters)

async function bound(): Promise<[instanceId: string, bindingId: string]> {
  const [id, binding] = [await instance(), randomUUID()]
  expect((await platform.bind(id, binding)).status).toBe(201)
  return [id, binding]
}

/** What of each operation needs no instance that exists. */
const operations = () => {
  const [id, body] = [randomUUID(), { service_id: SERVICE, plan_id: DAILY }]
  const query = `service_id=${SERVICE}&plan_id=${DAILY}`
  return [
    ['GET', '/v2/catalog'],
    ['PUT', pathOf(id), { ...body, organization_guid: 'o', space_guid: 's' }],
    ['PATCH', pathOf(id), { service_id: SERVICE }],
    ['GET', pathOf(id)],
    ['DELETE', `${pathOf(id)}?${query}`],
    ['GET', `${pathOf(id)}/last_operation`],
    ['PUT', bindingPathOf(id, 'b'), body],
    ['GET', bindingPathOf(id, 'b')],
    ['DELETE', `${bindingPathOf(id, 'b')}?${query}`],
    ['GET', `${bindingPathOf(id, 'b')}/last_operation`],
  ] as const
}

/**
 * One row for each requirement on service brokers of the Open Service Broker API 2.17: the section that states it, the requirement in
 * our words, and a check. What the specification requires of platforms, and of services of other kinds (log drains, routes, volumes), is
 * left out.
 */
const requirements: [section: string, requirement: string, check: () => Promise<void>][] = [
  [
    'API Version Header',
    'a request without the version, or with one that is not supported, is answered 412 and told which is',
    async () => {
      for (const [method, path, body] of operations()) {
        const answer = await platform.call(method, path, body, { 'x-broker-api-version': undefined })
        expect([method, path, answer.status]).toEqual([method, path, 412])
        expect(answer.body.description).toContain('2.17')
      }
      for (const version of ['2.12', '1.17', '3.0', '2', 'latest', '']) {
        const { status } = await platform.call('GET', '/v2/catalog', undefined, { 'x-broker-api-version': version })
        expect([version, status]).toEqual([version, 412])
      }
      for (const version of ['2.13', '2.17', '2.18']) {
        const { status } = await platform.call('GET', '/v2/catalog', undefined, { 'x-broker-api-version': version })
        expect([version, status]).toEqual([version, 200])
      }
    },
  ],
  [
    'Originating Identity',
    'the header is a platform and a JSON object in Base64; anything else is malformed',
    async () => {
      const identity = (value: string) => ({ 'x-broker-api-originating-identity': value })
      const encoded = btoa(JSON.stringify({ user_id: 'user-1' }))
      const good = await platform.call('GET', '/v2/catalog', undefined, identity(`cloudfoundry ${encoded}`))
      expect(good.status).toBe(200)
      for (const bad of ['cloudfoundry', encoded, 'cloudfoundry ???', `cloudfoundry ${btoa('[]')}`, `a ${btoa('{')}`]) {
        const { status } = await platform.call('GET', '/v2/catalog', undefined, identity(bad))
        expect([bad, status]).toEqual([bad, 400])
      }
    },
  ],
  [
    'Originating Identity',
    'it says who acted: the audit log names the account and the user',
    async () => {
      const value = `cloudfoundry ${btoa(JSON.stringify({ user_id: 'user-2' }))}`
      const headers = { 'x-broker-api-originating-identity': value }
      await platform.provision(randomUUID(), withDatabase(), { headers })
      const { items } = await fixture.client.auditEntries.list({ instance: database })
      expect(items[0]).toMatchObject({
        action: 'PUT /v2/service_instances/:instance_id',
        caller: { kind: 'broker', id: 'conformance', name: 'conformance for the cloudfoundry user user-2' },
      })
    },
  ],
  [
    'Request Identity',
    'the identity of a request is returned with its answer, also with a refusal',
    async () => {
      for (const [method, path, body] of operations()) {
        const identity = randomUUID()
        const { headers } = await platform.call(method, path, body, { 'x-broker-api-request-identity': identity })
        expect([method, path, headers.get('x-broker-api-request-identity')]).toEqual([method, path, identity])
      }
    },
  ],
  [
    'Vendor Extension Fields',
    'unknown fields are ignored and do not keep a request from being served',
    async () => {
      const [id, binding] = [randomUUID(), randomUUID()]
      const unknown = { 'example.com/field': { nested: [1] }, bind_resource_: 1 }
      expect((await platform.provision(id, { ...withDatabase(), ...unknown })).status).toBe(201)
      expect((await platform.update(id, { ...unknown, parameters: { items: ['shop'] } })).status).toBe(200)
      expect((await platform.bind(id, binding, unknown)).status).toBe(201)
      const query = `service_id=${SERVICE}&plan_id=${DAILY}&example=1`
      expect((await platform.unbind(id, binding, query)).status).toBe(200)
      expect((await platform.deprovision(id, query)).status).toBe(200)
    },
  ],
  [
    'Platform to Service Broker Authentication',
    'a request that is not authenticated is answered 401',
    async () => {
      const wrong = `Basic ${btoa('conformance:another password')}`
      for (const authorization of [undefined, wrong, `Basic ${btoa('nobody:x')}`, 'Basic !', 'Bearer none']) {
        const answer = await platform.call('GET', '/v2/catalog', undefined, { authorization })
        expect([authorization, answer.status]).toEqual([authorization, 401])
        expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
      }
      for (const [method, path, body] of operations()) {
        const { status } = await platform.call(method, path, body, { authorization: undefined })
        expect([method, path, status]).toEqual([method, path, 401])
      }
    },
  ],
  [
    'URL Properties',
    'ids may hold any characters, percent-encoded',
    async () => {
      const [id, binding] = [`ü ${randomUUID()}/~_.?&`, `%2F ${randomUUID()}`]
      expect((await platform.provision(id, withDatabase())).status).toBe(201)
      expect((await platform.bind(id, binding)).status).toBe(201)
      expect((await platform.fetchBinding(id, binding)).status).toBe(200)
      expect((await platform.unbind(id, binding)).status).toBe(200)
      expect((await platform.deprovision(id)).status).toBe(200)
    },
  ],
  [
    'Service Broker Errors',
    'a refusal leaves everything as it was',
    async () => {
      const id = await instance({ items: ['shop'] })
      const before = (await platform.fetch(id)).body
      for (const change of [
        { plan_id: HOURLY, parameters: { items: [] } },
        { plan_id: HOURLY, parameters: { service_instance: 'another' } },
        { plan_id: HOURLY, parameters: { schedule: 'nonsense' } },
        { plan_id: 'none', parameters: { paused: true } },
        { parameters: { items: ['not declared'] } },
      ]) {
        expect([change, (await platform.update(id, change)).status]).toEqual([change, expect.toBeOneOf([400, 422])])
      }
      expect((await platform.fetch(id)).body).toEqual(before)
    },
  ],
  [
    'Content Type',
    'a body that is not JSON, or of another type, is refused with 400; without a type it is read',
    async () => {
      const path = pathOf(randomUUID())
      const json = JSON.stringify({ service_id: SERVICE, plan_id: DAILY })
      for (const [type, body] of [
        ['application/json', '{'],
        ['application/json', 'null'],
        ['application/json', '[]'],
        ['text/plain', json],
        ['application/x-www-form-urlencoded', json],
      ] as const) {
        const { status } = await platform.call('PUT', path, body, { 'content-type': type })
        expect([type, body, status]).toEqual([type, body, 400])
      }
      const whole = JSON.stringify({
        service_id: SERVICE,
        plan_id: DAILY,
        organization_guid: 'o',
        space_guid: SPACE,
        ...withDatabase(),
      })
      expect((await platform.call('PUT', path, new TextEncoder().encode(whole))).status).toBe(201)
    },
  ],
  [
    'Catalog Management',
    'the catalog is answered with 200 in the form that the specification gives it, with unique ids and names',
    async () => {
      const { status, body } = await platform.call('GET', '/v2/catalog')
      expect(status).toBe(200)
      const [service] = catalogSchema.parse(body).services
      expect(service).toMatchObject({ name: 'backup', bindable: true, plan_updateable: true })
      expect(service).toMatchObject({ instances_retrievable: true, bindings_retrievable: true })
      expect(service?.plans.map(({ name }) => name)).toEqual(['daily', 'hourly', 'fixed', 'few', 'last'])
      expect(JSON.stringify(body)).not.toContain('template')
    },
  ],
  [
    'Catalog Management, and the extensions of Cloud Foundry',
    'instances may be shared, and the dashboard is a client of the identity provider; nobody else learns its secret',
    async () => {
      const [service] = catalogSchema.parse((await platform.call('GET', '/v2/catalog')).body).services
      expect(service?.metadata).toMatchObject({ shareable: true })
      const redirect = 'https://backup.example/sign-in'
      expect(service?.dashboard_client).toEqual({
        ...{ id: 'dashboard', secret: 'secret of the dashboard', redirect_uri: redirect },
      })
      expect((await fixture.call('GET', '/v1/sign-in')).text).not.toContain('secret of')
    },
  ],
  [
    'Catalog Management',
    'ids stay the same over queries; an unchanged catalog has the same ETag and is not sent again',
    async () => {
      const [first, second] = [await platform.call('GET', '/v2/catalog'), await platform.call('GET', '/v2/catalog')]
      expect(second.body).toEqual(first.body)
      const etag = first.headers.get('etag') ?? ''
      expect(etag).toMatch(/^"[^"]+"$/)
      const known = await platform.call('GET', '/v2/catalog', undefined, { 'if-none-match': etag })
      expect([known.status, known.body, known.headers.get('etag')]).toEqual([304, undefined, etag])
      const other = await platform.call('GET', '/v2/catalog', undefined, { 'if-none-match': '"another"' })
      expect(other.status).toBe(200)
    },
  ],
  [
    'Input Parameters Schema Object',
    'every schema declares its version, refers to nothing outside and is small; create requires what provisioning does',
    async () => {
      const { services } = catalogSchema.parse((await platform.call('GET', '/v2/catalog')).body)
      for (const { schemas } of services.flatMap(({ plans }) => plans)) {
        expect(schemas).toMatchObject({
          service_instance: {
            create: { parameters: { $schema: expect.stringContaining('draft-04'), required: ['service_instance'] } },
            update: { parameters: { $schema: expect.stringContaining('draft-04') } },
          },
          service_binding: { create: { parameters: { $schema: expect.stringContaining('draft-04') } } },
        })
      }
    },
  ],
  [
    'Asynchronous Operations',
    'what takes a while is refused with 422 AsyncRequired unless the platform accepts that, and changes nothing',
    async () => {
      const id = await instance({ last_backup: true })
      for (const more of ['', '&accepts_incomplete=false']) {
        const answer = await platform.deprovision(id, `service_id=${SERVICE}&plan_id=${DAILY}${more}`)
        expect(answer).toMatchObject({ status: 422, body: { error: 'AsyncRequired' } })
      }
      expect((await platform.fetch(id)).status).toBe(200)
      expect((await platform.lastOperation(id)).body).toEqual({ state: 'succeeded' })
    },
  ],
  [
    'Asynchronous Operations',
    'what is accepted so is answered 202; the same request again finds the same operation; polling is told how long to wait',
    async () => {
      const id = await instance({ last_backup: true })
      const [first, second] = [await platform.deprovision(id), await platform.deprovision(id)]
      expect([first.status, second.status]).toEqual([202, 202])
      expect(second.body.operation).toBe(first.body.operation)
      const polled = await platform.lastOperation(id, `?operation=${first.body.operation}&service_id=${SERVICE}`)
      expect(polled).toMatchObject({ status: 200, body: { state: 'in progress' } })
      expect(Number(polled.headers.get('retry-after'))).toBeGreaterThan(0)
    },
  ],
  [
    'Blocking Operations',
    'a request for an instance that another operation works on is refused with 422 ConcurrencyError',
    async () => {
      const id = await instance({ last_backup: true })
      expect((await platform.deprovision(id)).status).toBe(202)
      const refusal = { status: 422, body: { error: 'ConcurrencyError' } }
      expect(await platform.update(id, { parameters: { paused: true } })).toMatchObject(refusal)
      expect(await platform.bind(id, randomUUID())).toMatchObject(refusal)
      expect(await platform.provision(id, withDatabase({ last_backup: true }))).toMatchObject(refusal)
    },
  ],
  [
    'Polling Last Operation for Service Instances',
    'of an instance that does not exist, or was deleted, the answer is 410; a malformed request is answered 400',
    async () => {
      expect((await platform.lastOperation(randomUUID())).status).toBe(410)
      const id = await instance()
      expect(await platform.lastOperation(id)).toMatchObject({ status: 200, body: { state: 'succeeded' } })
      expect((await platform.lastOperation(id, '?service_id=a&service_id=b')).status).toBe(400)
      expect((await platform.deprovision(id)).status).toBe(200)
      expect((await platform.lastOperation(id)).status).toBe(410)
    },
  ],
  [
    'Polling Last Operation for Service Bindings',
    'a binding has succeeded as soon as it exists; of one that does not the answer is 410',
    async () => {
      const [id, binding] = await bound()
      const poll = (one: string) => platform.call('GET', `${bindingPathOf(id, one)}/last_operation?operation=x`)
      expect(await poll(binding)).toMatchObject({ status: 200, body: { state: 'succeeded' } })
      expect((await poll(randomUUID())).status).toBe(410)
    },
  ],
  [
    'Provisioning',
    'a new instance is answered 201, with the URL of its dashboard, which names it',
    async () => {
      const { status, body } = await platform.provision(randomUUID(), withDatabase())
      expect([status, body.dashboard_url]).toEqual([201, `https://backup.example/instances/${database}`])
    },
  ],
  [
    'Provisioning',
    'the same request again is answered 200 with the same body; accepts_incomplete does not matter',
    async () => {
      const id = randomUUID()
      const first = await platform.provision(id, withDatabase({ items: ['shop'] }))
      const again = await platform.provision(id, withDatabase({ items: ['shop'] }), {
        query: '?accepts_incomplete=true',
      })
      expect([first.status, again.status]).toEqual([201, 200])
      expect(again.body).toEqual(first.body)
    },
  ],
  [
    'Provisioning',
    'a request for the same id with other attributes is answered 409',
    async () => {
      const id = randomUUID()
      expect((await platform.provision(id, withDatabase())).status).toBe(201)
      for (const other of [
        { ...withDatabase(), plan_id: HOURLY },
        withDatabase({ items: ['shop'] }),
        { ...withDatabase(), space_guid: 'another' },
        { ...withDatabase(), organization_guid: 'another' },
      ]) {
        expect([other, (await platform.provision(id, other)).status]).toEqual([other, 409])
      }
    },
  ],
  [
    'Provisioning',
    'concurrent requests create one instance: one is answered 201, and the others 200',
    async () => {
      const id = randomUUID()
      const answers = await Promise.all(Array.from({ length: 6 }, () => platform.provision(id, withDatabase())))
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 200, 201])
      const plans = await fixture.client.plans.list({ instance: database, limit: 500 })
      expect(plans.items.filter(({ managedBy }) => managedBy === `broker:${id}`)).toHaveLength(1)
    },
  ],
  [
    'Provisioning',
    'missing or malformed fields are answered 400',
    async () => {
      const good = { ...withDatabase() }
      for (const bad of [
        { service_id: undefined },
        { service_id: '' },
        { service_id: 7 },
        { service_id: 'none' },
        { plan_id: undefined },
        { plan_id: '' },
        { plan_id: 'none' },
        { organization_guid: undefined },
        { organization_guid: '' },
        { space_guid: undefined },
        { space_guid: null },
        { context: 'text' },
        { parameters: 'text' },
        { parameters: [] },
        { maintenance_info: {} },
      ]) {
        const { status } = await platform.provision(randomUUID(), { ...good, ...bad })
        expect([bad, status]).toEqual([bad, 400])
      }
      expect((await platform.call('PUT', pathOf(randomUUID()))).status).toBe(400)
      expect((await platform.provision(randomUUID(), good, { query: '?accepts_incomplete=7' })).status).toBe(400)
    },
  ],
  [
    'Provisioning',
    'parameters that the schema of the plan does not allow are answered 400, naming the parameter',
    async () => {
      for (const [parameters, field] of [
        [{}, 'service_instance'],
        [{ service_instance: 7 }, 'service_instance'],
        [{ service_instance: 'none' }, '"none"'],
        [{ service_instance: database, items: [] }, 'items'],
        [{ service_instance: database, items: ['not declared'] }, 'not declared'],
        [{ service_instance: database, item: ['shop'] }, 'item'],
        [{ service_instance: database, schedule: 'nonsense' }, 'nonsense'],
        [{ service_instance: database, schedule: '* * * * * *' }, 'seconds'],
        [{ service_instance: database, schedule: { cron: '0 0 2 * * *', timezone: 'Middle/Earth' } }, 'Middle/Earth'],
        [{ service_instance: database, paused: 'yes' }, 'paused'],
      ] as const) {
        const { status, body } = await platform.provision(randomUUID(), { parameters })
        expect([parameters, status, body.description]).toEqual([parameters, 400, expect.stringContaining(field)])
      }
    },
  ],
  [
    'Provisioning, Maintenance Info Object',
    'another version of the plan than the catalog has is refused with 422 MaintenanceInfoConflict',
    async () => {
      const [known, other] = [VERSION, '2.0.0'].map((version) => ({ ...withDatabase(), maintenance_info: { version } }))
      expect((await platform.provision(randomUUID(), known ?? {})).status).toBe(201)
      const refusal = { status: 422, body: { error: 'MaintenanceInfoConflict' } }
      expect(await platform.provision(randomUUID(), other ?? {})).toMatchObject(refusal)
      const id = await instance()
      expect(await platform.update(id, { maintenance_info: { version: '2.0.0' } })).toMatchObject(refusal)
      expect((await platform.update(id, { maintenance_info: { version: VERSION } })).status).toBe(200)
    },
  ],
  [
    'Fetching a Service Instance',
    'an instance can be fetched as soon as it exists; one that does not is answered 404',
    async () => {
      const id = await instance({ items: ['shop'], schedule: '0 0 3 * * *' })
      const { status, body } = await platform.fetch(id)
      expect(status).toBe(200)
      expect(body).toMatchObject({
        service_id: SERVICE,
        plan_id: DAILY,
        dashboard_url: `https://backup.example/instances/${database}`,
        parameters: { service_instance: database, items: ['shop'], schedule: { cron: '0 0 3 * * *' } },
        metadata: { attributes: { service_instance: database } },
      })
      expect((await platform.fetch(randomUUID())).status).toBe(404)
    },
  ],
  [
    'Updating a Service Instance',
    'a change is answered 200 and applied, to the plan and to the parameters; what is not sent stays',
    async () => {
      const id = await instance({ items: ['shop'], schedule: '0 0 3 * * *' })
      expect((await platform.update(id, { plan_id: HOURLY })).status).toBe(200)
      const kept = { service_instance: database, items: ['shop'], schedule: { cron: '0 0 3 * * *' } }
      expect((await platform.fetch(id)).body).toMatchObject({ plan_id: HOURLY, parameters: kept })
      expect((await platform.update(id, { parameters: { items: ['orders'], schedule: null } })).status).toBe(200)
      const { body } = await platform.fetch(id)
      expect([body.plan_id, body.parameters]).toEqual([HOURLY, { service_instance: database, items: ['orders'] }])
    },
  ],
  [
    'Updating a Service Instance',
    'a request that changes only the context is served, and so is one that changes nothing',
    async () => {
      const id = await instance()
      const before = (await platform.fetch(id)).body
      const context = { platform: 'cloudfoundry', instance_name: 'renamed', space_guid: SPACE }
      expect((await platform.update(id, { context })).status).toBe(200)
      expect((await platform.update(id, {})).status).toBe(200)
      expect((await platform.update(id, { plan_id: DAILY, previous_values: { plan_id: DAILY } })).status).toBe(200)
      expect((await platform.fetch(id)).body).toEqual(before)
    },
  ],
  [
    'Updating a Service Instance',
    'missing or malformed fields are answered 400',
    async () => {
      const id = await instance()
      for (const bad of [
        { service_id: undefined },
        { service_id: 'none' },
        { plan_id: 'none' },
        { plan_id: '' },
        { parameters: 'text' },
        { parameters: { unknown: 1 } },
        { context: [] },
      ]) {
        expect([bad, (await platform.update(id, bad)).status]).toEqual([bad, 400])
      }
    },
  ],
  [
    'Updating a Service Instance',
    'a change that is not supported is answered 422',
    async () => {
      const id = await instance({ items: ['shop', 'orders'] })
      expect((await platform.update(id, { plan_id: 'few' })).status).toBe(422)
      expect((await platform.update(id, { parameters: { service_instance: 'another' } })).status).toBe(422)
      const fixed = randomUUID()
      expect((await platform.provision(fixed, { ...withDatabase(), plan_id: 'fixed' })).status).toBe(201)
      expect((await platform.update(fixed, { plan_id: DAILY })).status).toBe(422)
      expect((await platform.fetch(fixed)).body.plan_id).toBe('fixed')
    },
  ],
  [
    'Binding',
    'a new binding is answered 201 with credentials, and with every endpoint that they are for',
    async () => {
      const { status, body } = await platform.bind(await instance(), randomUUID(), {
        bind_resource: { app_guid: 'app' },
      })
      expect(status).toBe(201)
      expect(body).toMatchObject({
        credentials: {
          api_url: 'https://backup.example',
          token: expect.stringMatching(/^osbb_/),
          service_instance: database,
          dashboard_url: `https://backup.example/instances/${database}`,
        },
        endpoints: [{ host: 'backup.example', ports: ['443'], protocol: 'tcp' }],
      })
    },
  ],
  [
    'Binding',
    'credentials are unique to their binding',
    async () => {
      const id = await instance()
      const [first, second] = [await platform.bind(id, randomUUID()), await platform.bind(id, randomUUID())]
      expect(first.body.credentials.token).not.toBe(second.body.credentials.token)
    },
  ],
  [
    'Binding',
    'the same request again is answered 200 with the same credentials; concurrent ones create one binding',
    async () => {
      const [id, binding] = [await instance(), randomUUID()]
      const answers = await Promise.all(Array.from({ length: 4 }, () => platform.bind(id, binding)))
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 201])
      expect(new Set(answers.map(({ body }) => body.credentials.token)).size).toBe(1)
    },
  ],
  [
    'Binding',
    'a request for the same id with other parameters is answered 409',
    async () => {
      const [id, binding] = await bound()
      for (const other of [
        { parameters: { role: 'viewer' } },
        { bind_resource: { app_guid: 'a' } },
        { plan_id: HOURLY },
      ]) {
        expect([other, (await platform.bind(id, binding, other)).status]).toEqual([other, 409])
      }
      expect((await platform.bind(await instance(), binding)).status).toBe(409)
    },
  ],
  [
    'Binding',
    'missing or malformed fields are answered 400',
    async () => {
      const id = await instance()
      for (const bad of [
        { service_id: undefined },
        { service_id: 'none' },
        { plan_id: undefined },
        { plan_id: 'none' },
        { parameters: { role: 'admin' } },
        { parameters: { expires_in_seconds: 1 } },
        { parameters: { unknown: 1 } },
        { bind_resource: 'app' },
        { predecessor_binding_id: 'none' },
      ]) {
        expect([bad, (await platform.bind(id, randomUUID(), bad)).status]).toEqual([bad, 400])
      }
      expect((await platform.bind(randomUUID(), randomUUID())).status).toBe(404)
    },
  ],
  [
    'Binding, rotation',
    'a rotated binding has credentials of its own and what the one before was created with, which stays until it is unbound',
    async () => {
      const [id, first, second] = [await instance(), randomUUID(), randomUUID()]
      const parameters = { role: 'viewer' }
      const old = await platform.bind(id, first, { parameters })
      const rotated = await platform.bind(id, second, { predecessor_binding_id: first })
      expect(rotated.status).toBe(201)
      expect(rotated.body.credentials.token).not.toBe(old.body.credentials.token)
      expect((await platform.fetchBinding(id, second)).body.parameters).toEqual(parameters)
      expect((await platform.fetchBinding(id, first)).body.credentials).toEqual(old.body.credentials)
      const other = await platform.bind(await instance(), randomUUID(), { predecessor_binding_id: first })
      expect(other.status).toBe(400)
    },
  ],
  [
    'Binding Metadata Object',
    'a binding that expires says when, and when it should be renewed, both instants in RFC 3339',
    async () => {
      const { body } = await platform.bind(await instance(), randomUUID(), { parameters: { expires_in_seconds: 3600 } })
      expect(Date.parse(body.metadata.renew_before)).toBeLessThan(Date.parse(body.metadata.expires_at))
      const lasting = await platform.bind(await instance(), randomUUID())
      expect(lasting.body).not.toHaveProperty('metadata')
    },
  ],
  [
    'Fetching a Service Binding',
    'a binding can be fetched as soon as it exists; one that does not, or belongs to another instance, is answered 404',
    async () => {
      const [id, binding] = await bound()
      const { status, body } = await platform.fetchBinding(id, binding)
      expect([status, body.parameters]).toEqual([200, {}])
      expect((await platform.fetchBinding(id, randomUUID())).status).toBe(404)
      expect((await platform.fetchBinding(await instance(), binding)).status).toBe(404)
    },
  ],
  [
    'Unbinding',
    'a deleted binding is answered 200 with an empty object; from then on it does not exist: 410',
    async () => {
      const [id, binding] = await bound()
      expect((await platform.unbind(await instance(), binding)).status).toBe(410)
      const answers = await Promise.all([platform.unbind(id, binding), platform.unbind(id, binding)])
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 410])
      expect((await platform.unbind(id, binding)).status).toBe(410)
    },
  ],
  [
    'Unbinding',
    'service_id and plan_id are required: 400',
    async () => {
      const [id, binding] = await bound()
      for (const query of ['', `service_id=${SERVICE}`, `plan_id=${DAILY}`, `service_id=&plan_id=${DAILY}`]) {
        expect([query, (await platform.unbind(id, binding, query)).status]).toEqual([query, 400])
      }
      expect((await platform.unbind(id, binding, `service_id=none&plan_id=${DAILY}`)).status).toBe(400)
      expect((await platform.fetchBinding(id, binding)).status).toBe(200)
    },
  ],
  [
    'Deprovisioning',
    'a deleted instance is answered 200 with an empty object; from then on it does not exist: 410',
    async () => {
      const id = await instance()
      const answers = await Promise.all([platform.deprovision(id), platform.deprovision(id)])
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 410])
      expect((await platform.fetch(id)).status).toBe(404)
    },
  ],
  [
    'Deprovisioning',
    'what was created with the instance is deleted with it: its backup plan, its bindings and their credentials',
    async () => {
      const [id, binding] = await bound()
      const { token } = (await platform.fetchBinding(id, binding)).body.credentials
      const read = () =>
        fixture.call('GET', `/v1/instances/${database}`, undefined, { authorization: `Bearer ${token}` })
      expect((await read()).status).toBe(200)
      expect((await platform.deprovision(id)).status).toBe(200)
      expect((await read()).status).toBe(401)
      const plans = await fixture.client.plans.list({ instance: database, limit: 500 })
      expect(plans.items.filter(({ managedBy }) => managedBy === `broker:${id}`)).toEqual([])
      expect((await platform.unbind(id, binding)).status).toBe(410)
    },
  ],
  [
    'Deprovisioning',
    'service_id and plan_id are required: 400',
    async () => {
      const id = await instance()
      for (const query of ['', `service_id=${SERVICE}`, `plan_id=${DAILY}`, `service_id=${SERVICE}&plan_id=`]) {
        expect([query, (await platform.deprovision(id, query)).status]).toEqual([query, 400])
        expect([query, (await platform.deprovision(randomUUID(), query)).status]).toEqual([query, 400])
      }
      expect((await platform.deprovision(id, `service_id=none&plan_id=${DAILY}`)).status).toBe(400)
      expect((await platform.fetch(id)).status).toBe(200)
    },
  ],
  [
    'Orphan Mitigation',
    'deleting what was never created succeeds for a platform: 410',
    async () => {
      expect((await platform.deprovision(randomUUID())).status).toBe(410)
      expect((await platform.unbind(randomUUID(), randomUUID())).status).toBe(410)
      expect((await platform.unbind(await instance(), randomUUID())).status).toBe(410)
    },
  ],
  [
    'Orphan Mitigation',
    'an instance whose update the platform does not know of can be deleted by the plan that it had before',
    async () => {
      const id = await instance()
      expect((await platform.update(id, { plan_id: HOURLY })).status).toBe(200)
      expect((await platform.deprovision(id)).status).toBe(200)
    },
  ],
]

describe('Open Service Broker API 2.17', () => {
  test.for(requirements)('%s: %s', async ([, , check]) => {
    await check()
  })
})

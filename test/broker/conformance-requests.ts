import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import {
  bound,
  database,
  fixture,
  instance,
  operations,
  platform,
  type Requirement,
  withDatabase,
} from './conformance-setting.ts'
import { catalogSchema } from './osb-schemas.ts'
import { bindingPathOf, DAILY, HOURLY, pathOf, SERVICE, SPACE } from './platform.ts'

/** Requirements of any operation, the catalog and asynchronous operations. */
export const requestRequirements: readonly Requirement[] = [
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
]

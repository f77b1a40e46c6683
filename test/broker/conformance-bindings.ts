import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { bound, database, instance, platform, type Requirement } from './conformance-setting.ts'
import { DAILY, HOURLY, SERVICE } from './platform.ts'

/** Requirements of service bindings. */
export const bindingRequirements: readonly Requirement[] = [
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
]

import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import {
  bound,
  database,
  fixture,
  instance,
  platform,
  type Requirement,
  VERSION,
  withDatabase,
} from './conformance-setting.ts'
import { DAILY, HOURLY, pathOf, SERVICE, SPACE } from './platform.ts'

/** Requirements of service instances. */
export const instanceRequirements: readonly Requirement[] = [
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

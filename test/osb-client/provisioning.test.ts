import { randomUUID } from 'node:crypto'
import type { ProvisionedInstance, ProvisionedInstanceCreate, ServiceBrokerCreate } from '@osb-backup/protocol/v1'
import { type PostgresqlBroker, SERVICE_ID } from '@osb-backup/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, type ExpectStatic, expect, test } from 'vitest'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { accessOf, type Managed, registerBroker, startBroker, startManaged } from './broker-fixture.ts'

type Fault = Parameters<PostgresqlBroker['fail']>[0]
type BrokerOptions = Parameters<typeof startBroker>[0]

let stack: AsyncDisposableStack
let managed: Managed
/** The service instance that is named as the source. */
const source = `source-${randomUUID()}`

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  managed = stack.use(await startManaged())
  const tenant = { organizationGuid: 'org-1', spaceGuid: 'space-1' }
  await registerInstance(managed.client, source, unreachableAgent, { serviceId: SERVICE_ID, ...tenant })
})
afterAll(() => stack.disposeAsync())

const POLL = { timeout: 240_000, interval: 100 }

/** A broker of its own for one test, known to the manager. */
async function setUp(
  fields: Partial<ServiceBrokerCreate> = {},
  options: BrokerOptions = {},
): Promise<{ broker: PostgresqlBroker; serviceBrokerId: string }> {
  const broker = stack.use(await startBroker(options))
  const { id } = await registerBroker(managed.client, broker, { registersInstances: false, ...fields })
  return { broker, serviceBrokerId: id }
}

const request = (serviceBrokerId: string, servicePlan: string, more: Partial<ProvisionedInstanceCreate> = {}) =>
  managed.client.provisionedInstances.create({ instanceId: source, serviceBrokerId, servicePlan, ...more })

/** Waits until an instance is in a state. */
async function reached(expected: ExpectStatic, id: string, state: ProvisionedInstance['state']) {
  const get = () => managed.client.provisionedInstances.get(id)
  await expected.poll(async () => (await get()).state, POLL).toBe(state)
  return get()
}

/** The names of the requests that a broker got, without polls and catalogs. */
const sentTo = ({ requests }: PostgresqlBroker) =>
  requests.map(({ request: name }) => name).filter((name) => !/catalog|last-operation/.test(name))

/** Nothing that the broker sold exists. */
async function expectNothingLeft(expected: ExpectStatic, { databases }: PostgresqlBroker) {
  expected(await databases.list()).toEqual({ databases: [], roles: [] })
}

describe.concurrent('an instance', () => {
  test.for(['small', 'large', 'cluster'])(
    'of the plan %s is provisioned, bound, registered, and deleted',
    async (plan, { expect }) => {
      const { broker, serviceBrokerId } = await setUp()
      const created = await request(serviceBrokerId, plan, { parameters: { version: '15' } })
      expect(created).toMatchObject({ state: 'provisioning', sourceInstanceId: source, purpose: 'trial' })
      const { id } = await reached(expect, created.id, 'ready')
      const instance = await managed.client.instances.get(id)
      const [name] = (await broker.databases.list()).databases
      expect(instance).toMatchObject({
        serviceId: SERVICE_ID,
        organizationGuid: 'org-1',
        spaceGuid: 'space-1',
        items: [name],
      })
      const { credentials } = await managed.client.provisionedInstances.credentials(id)
      const client = new Client({ connectionString: String(credentials.uri) })
      await client.connect()
      expect((await client.query('select current_database() as name')).rows).toEqual([{ name }])
      await client.end()

      const provision = broker.requests.find((each) => each.request === 'provision')
      expect(provision).toMatchObject({
        query: { accepts_incomplete: 'true' },
        body: {
          parameters: { version: '15' },
          organization_guid: 'org-1',
          context: { platform: 'osb-backup-manager', organization_guid: 'org-1', space_guid: 'space-1' },
        },
        headers: {
          'x-broker-api-version': '2.17',
          'x-broker-api-request-identity': expect.stringMatching(/^[0-9a-f-]{36}$/),
          'x-broker-api-originating-identity': expect.stringMatching(/^osb-backup-manager \S+$/),
        },
      })
      const refused = managed.client.serviceBrokers.delete(serviceBrokerId)
      await expect(refused).rejects.toMatchObject({ status: 409 })
      await managed.client.provisionedInstances.delete(id)
      await reached(expect, id, 'deprovisioned')
      await expectNothingLeft(expect, broker)
      await expect(managed.client.instances.get(id)).rejects.toMatchObject({ status: 404 })
      await expect(managed.client.provisionedInstances.credentials(id)).rejects.toMatchObject({ status: 409 })
      await managed.client.serviceBrokers.delete(serviceBrokerId)
    },
  )

  test('that its broker registers at the manager is known under its id, and deregistered by the broker', async ({
    expect,
  }) => {
    const { token } = await managed.client.tokens.create({ name: `b-${randomUUID()}`, role: 'broker', instances: [] })
    const manager = { url: managed.manager.url, token }
    const registration = { manager, agent: { url: 'http://127.0.0.1:9', username: 'agent', password: 'p' } }
    const { broker, serviceBrokerId } = await setUp({ registersInstances: true }, { registration })
    const { id } = await request(serviceBrokerId, 'unbound')
    await reached(expect, id, 'ready')
    const { databases } = await broker.databases.list()
    expect(await managed.client.instances.get(id)).toMatchObject({ items: databases, database: { passwordSet: true } })
    await expect(managed.client.provisionedInstances.credentials(id)).rejects.toMatchObject({ status: 409 })
    await managed.client.provisionedInstances.delete(id)
    await reached(expect, id, 'deprovisioned')
    await expectNothingLeft(expect, broker)
    await expect(managed.client.instances.get(id)).rejects.toMatchObject({ status: 404 })
  })

  test('that its broker should register and does not is deleted again', async ({ expect }) => {
    const { broker, serviceBrokerId } = await setUp({ registersInstances: true, operationTimeoutSeconds: 1 })
    const { id } = await request(serviceBrokerId, 'small')
    const { failure } = await reached(expect, id, 'deprovisioned')
    expect(failure).toContain('has not registered the instance')
    await expectNothingLeft(expect, broker)
  })

  test('is not requested beyond the quota of its broker, nor of services that are not allowed', async ({ expect }) => {
    const { serviceBrokerId } = await setUp({ maxInstances: 1, services: ['postgresql'] })
    const key = { idempotencyKey: randomUUID() }
    const body = { instanceId: source, serviceBrokerId, servicePlan: 'small' }
    const first = await managed.client.provisionedInstances.create(body, key)
    expect((await managed.client.provisionedInstances.create(body, key)).id).toBe(first.id)
    await expect(request(serviceBrokerId, 'small')).rejects.toMatchObject({ status: 409 })
    expect((await managed.client.serviceBrokers.get(serviceBrokerId)).instanceCount).toBe(1)
    await managed.client.provisionedInstances.delete(first.id)
    await reached(expect, first.id, 'deprovisioned')
    await expect(request(serviceBrokerId, 'tiny')).rejects.toMatchObject({ status: 400, field: 'servicePlan' })
    await managed.client.serviceBrokers.update(serviceBrokerId, { services: ['mysql'] })
    await expect(request(serviceBrokerId, 'small')).rejects.toMatchObject({ status: 400, field: 'service' })
  })

  const answer = (status: number, body?: unknown) =>
    ({ kind: 'answer', status, ...(body !== undefined && { body }) }) as const
  const failures: readonly [what: string, plan: string, fault: Fault, sent: string[]][] = [
    [
      'whose answer was lost',
      'small',
      { request: 'provision', when: 'after', act: { kind: 'reset' } },
      ['provision', 'deprovision'],
    ],
    [
      'whose answer comes too late',
      'small',
      { request: 'provision', when: 'after', act: { kind: 'hang' } },
      ['provision', 'deprovision'],
    ],
    [
      'that was created before 500',
      'small',
      { request: 'provision', when: 'after', act: answer(500) },
      ['provision', 'deprovision'],
    ],
    [
      'that was created before 201 and nonsense',
      'small',
      { request: 'provision', when: 'after', act: answer(201, 'no JSON') },
      ['provision', 'deprovision'],
    ],
    [
      'that was created before an unknown 2xx',
      'small',
      { request: 'provision', when: 'after', act: answer(204, '') },
      ['provision', 'deprovision'],
    ],
    [
      'that failed after it was accepted',
      'large',
      { request: 'provision', when: 'after', act: { kind: 'fail-operation' } },
      ['provision', 'deprovision'],
    ],
    [
      'that was rejected',
      'small',
      { request: 'provision', act: answer(400, { description: 'No room.' }) },
      ['provision'],
    ],
    [
      'whose binding was created before 500',
      'small',
      { request: 'bind', when: 'after', act: answer(500) },
      ['provision', 'bind', 'unbind', 'deprovision'],
    ],
    [
      'whose binding was lost with the answer',
      'small',
      { request: 'bind', when: 'after', act: { kind: 'reset' } },
      ['provision', 'bind', 'unbind', 'deprovision'],
    ],
    [
      'whose binding has no credentials',
      'small',
      { request: 'bind', when: 'after', act: answer(201, {}) },
      ['provision', 'bind', 'unbind', 'deprovision'],
    ],
    [
      'whose binding was rejected',
      'small',
      { request: 'bind', act: answer(400) },
      ['provision', 'bind', 'deprovision'],
    ],
    [
      'whose binding failed after it was accepted',
      'cluster',
      { request: 'bind', when: 'after', act: { kind: 'fail-operation' } },
      ['provision', 'bind', 'unbind', 'deprovision'],
    ],
  ]
  test.for(failures)('%s is deleted again, as the specification demands', async ([, plan, fault, sent], { expect }) => {
    const { broker, serviceBrokerId } = await setUp()
    broker.fail(fault)
    const { id } = await request(serviceBrokerId, plan)
    const { failure } = await reached(expect, id, 'deprovisioned')
    expect(failure).toContain('The service broker "postgresql", asked to')
    expect(failure).not.toContain(broker.password)
    expect(sentTo(broker)).toEqual(sent)
    await expectNothingLeft(expect, broker)
  })

  const setbacks: readonly [what: string, plan: string, fault: Fault][] = [
    [
      'while another operation is in progress',
      'small',
      { request: 'provision', act: answer(422, { error: 'ConcurrencyError' }) },
    ],
    ['when the broker is asked too often', 'small', { request: 'bind', act: answer(429) }],
    ['when polls fail', 'large', { request: 'last-operation', act: answer(500), times: 2 }],
    ['when a poll for its creation is answered with 410', 'large', { request: 'last-operation', act: answer(410) }],
    ['when the credentials were read but lost', 'cluster', { request: 'binding', when: 'after', act: answer(200, {}) }],
    ['when it cannot be deleted at first', 'small', { request: 'deprovision', act: answer(500), times: 2 }],
    [
      'when its binding cannot be deleted at first',
      'small',
      { request: 'unbind', act: answer(422, { error: 'ConcurrencyError' }), times: 2 },
    ],
    [
      'when its deletion fails after it was accepted',
      'large',
      { request: 'deprovision', act: { kind: 'fail-operation' }, times: 2 },
    ],
    [
      'when the answer to its deletion is lost',
      'small',
      { request: 'deprovision', when: 'after', act: { kind: 'reset' } },
    ],
  ]
  test.for(setbacks)('is provisioned and deleted all the same %s', async ([, plan, fault], { expect }) => {
    const { broker, serviceBrokerId } = await setUp()
    broker.fail(fault)
    const { id } = await request(serviceBrokerId, plan)
    await reached(expect, id, 'ready')
    await managed.client.provisionedInstances.delete(id)
    await reached(expect, id, 'deprovisioned')
    await expectNothingLeft(expect, broker)
  })

  test('that takes longer than the catalog allows has failed, and is deleted once its broker allows that', async ({
    expect,
  }) => {
    const { broker, serviceBrokerId } = await setUp({}, { maximumPollingSeconds: 1, operationMs: 4000 })
    const { id } = await request(serviceBrokerId, 'large')
    const { failure } = await reached(expect, id, 'deprovisioned')
    expect(failure).toContain('did not finish in time')
    await expectNothingLeft(expect, broker)
  })

  test('that cannot be deleted raises an alarm until it is', async ({ expect }) => {
    const { broker, serviceBrokerId } = await setUp()
    const { id } = await request(serviceBrokerId, 'small')
    await reached(expect, id, 'ready')
    broker.fail({ request: 'deprovision', act: answer(500, { description: 'The disk is full.' }), times: 1000 })
    await managed.client.provisionedInstances.delete(id)
    const open = async () => {
      const { items } = await managed.client.alarms.list({ kind: 'instance-orphaned', state: 'open', instance: source })
      return items.filter(({ object }) => object.id === id).map(({ sentence }) => sentence)
    }
    await expect.poll(open, POLL).toEqual([expect.stringContaining('The disk is full')])
    broker.clearFaults()
    await expect.poll(open, POLL).toEqual([])
    await reached(expect, id, 'deprovisioned')
    await expectNothingLeft(expect, broker)
  })
})

test('a broker is checked, and keeps its password from other addresses and from readers', async () => {
  const { broker, serviceBrokerId: id } = await setUp()
  const { serviceBrokers } = managed.client
  expect(await serviceBrokers.check(id)).toMatchObject({ usable: true, services: 1 })
  const { services } = await serviceBrokers.catalog(id)
  expect(services[0]?.plans.map(({ name, bindable }) => [name, bindable])).toContainEqual(['unbound', false])
  expect(JSON.stringify(await serviceBrokers.get(id))).not.toContain(broker.password)
  await expect(serviceBrokers.update(id, { url: 'http://127.0.0.1:9' })).rejects.toMatchObject({ field: 'password' })
  await serviceBrokers.update(id, { password: 'wrong' })
  await expect(serviceBrokers.check(id)).rejects.toMatchObject({
    status: 409,
    message: expect.stringContaining('answered 401'),
  })
  const metadata = serviceBrokers.create({ ...accessOf(broker), name: 'm', url: 'http://169.254.169.254/' })
  await expect(metadata).rejects.toMatchObject({ status: 400, field: 'url' })
  await serviceBrokers.delete(id)
  await expect(serviceBrokers.get(id)).rejects.toMatchObject({ status: 404 })
})

test('kill -9 of the manager at any step leaves nothing behind, and what is wanted is provisioned in the end', async () => {
  const hang = (name: Fault['request'], when: 'before' | 'after'): Fault => ({
    request: name,
    when,
    act: { kind: 'hang' },
  })
  const steps = [
    ...(['before', 'after'] as const).flatMap((when) => [
      { plan: 'small', fault: hang('provision', when), isDeleted: false },
      { plan: 'small', fault: hang('bind', when), isDeleted: false },
      { plan: 'small', fault: hang('unbind', when), isDeleted: true },
      { plan: 'small', fault: hang('deprovision', when), isDeleted: true },
    ]),
    { plan: 'cluster', fault: hang('provision', 'after'), isDeleted: false },
    { plan: 'cluster', fault: hang('last-operation', 'after'), isDeleted: false },
    { plan: 'cluster', fault: hang('binding', 'after'), isDeleted: false },
    { plan: 'cluster', fault: hang('unbind', 'after'), isDeleted: true },
    { plan: 'cluster', fault: hang('deprovision', 'after'), isDeleted: true },
  ]
  const started = await Promise.all(
    steps.map(async (step) => {
      const { broker, serviceBrokerId } = await setUp({ requestTimeoutSeconds: 600 })
      broker.fail(step.fault)
      const { id } = await request(serviceBrokerId, step.plan)
      if (step.isDeleted) {
        await reached(expect, id, 'ready')
        await managed.client.provisionedInstances.delete(id)
      }
      await expect.poll(() => broker.requests.some(({ isHeld }) => isHeld), POLL).toBe(true)
      return { ...step, broker, id }
    }),
  )
  await managed.kill()
  await managed.start()
  for (const { id, isDeleted } of started) {
    if (isDeleted) continue
    await reached(expect, id, 'ready')
    await managed.client.provisionedInstances.delete(id)
  }
  for (const { id, broker } of started) {
    await reached(expect, id, 'deprovisioned')
    await expectNothingLeft(expect, broker)
  }
})

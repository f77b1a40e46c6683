import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { unique, usePolicyFixture } from './policy-fixture.ts'

const policies = usePolicyFixture()
const { register, template, createPolicy, plansOf, planFrom } = policies

test('an instance that a policy selects gets a plan and a destination of its own, which back it up', async () => {
  const { fixture } = policies
  const label = unique('gold')
  const before = await register({ label })
  const policy = await createPolicy(label, { name: unique('gold') })
  const after = await register({ label })
  const other = await register({ label: unique('other') })
  for (const instance of [before, after]) {
    const plan = await planFrom(policy.id, instance)
    expect(plan).toMatchObject({ name: policy.name, items: ['shop'], retention: { style: 'days', period: 14 } })
    const destination = await fixture.client.destinations.get(plan.destinationId)
    expect(destination).toMatchObject({
      managedBy: `policy:${policy.id}`,
      store: { directory: join(fixture.destinations, instance) },
    })
    expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
    expect(await readdir(join(fixture.destinations, instance, plan.id))).toHaveLength(2)
  }
  const { items } = await fixture.client.policyAssignments.list({ policy: policy.id })
  expect(items.map(({ instanceId }) => instanceId).toSorted()).toEqual([before, after].toSorted())
  expect(await plansOf(other)).toEqual([])
})

test('applied again it changes nothing; a change of the policy changes its plans, and a new place keeps what is stored', async () => {
  const { fixture } = policies
  const { client } = fixture
  const label = unique('silver')
  const instance = await register({ label })
  const policy = await createPolicy(label)
  const { id, destinationId } = await planFrom(policy.id, instance)
  expect((await fixture.runPlan(id)).state).toBe('succeeded')
  const { version } = await client.plans.getVersioned(id)
  const checkedAt = async () => (await client.policyAssignments.list({ instance })).items[0]?.checkedAt ?? ''
  const first = await checkedAt()
  const sql = await fixture.connectDatabase()
  await sql.query('update policy_checks set check_at = now() where instance_id = $1', [instance])
  await sql.end()
  await expect.poll(checkedAt).not.toBe(first)
  expect((await client.plans.getVersioned(id)).version).toBe(version)

  const directory = `${fixture.destinations}/{instanceId}-new`
  const changed = await client.policies.update(policy.id, {
    name: `${policy.name} renamed`,
    template: {
      retention: { style: 'gfs', keepLast: 5, keepDaily: 30 },
      schedule: { cron: '@daily' },
      destination: { store: { kind: 'file', directory } },
    },
  })
  expect(changed.template?.retention).toEqual({ style: 'gfs', keepLast: 5, keepDaily: 30 })
  await expect
    .poll(() => client.plans.get(id))
    .toMatchObject({
      name: changed.name,
      schedule: { cron: '@daily' },
      retention: { style: 'gfs', keepLast: 5, keepDaily: 30 },
    })
  const moved = await client.plans.get(id)
  expect(moved.destinationId).not.toBe(destinationId)
  expect((await client.destinations.get(destinationId)).retiredAt).toBeDefined()
  expect((await fixture.runPlan(id)).state).toBe('succeeded')
  const points = await fixture.pointsOf(id)
  expect(points.map((point) => point.destinationId)).toEqual([moved.destinationId, destinationId])
  expect(points.every(({ deletion }) => deletion === undefined)).toBe(true)
})

test('the policy with the larger priority wins; plans pass from one to another with their restore points', async () => {
  const { fixture } = policies
  const { client } = fixture
  const label = unique('ranked')
  const instance = await register({ label })
  const low = await createPolicy(label, { priority: 1 })
  const { id } = await planFrom(low.id, instance)
  await fixture.runPlan(id)
  const equal = await createPolicy(label, { priority: 1 })
  const high = await createPolicy(label, {
    priority: 2,
    template: template({ retention: { style: 'days', period: 30 } }),
  })
  expect(await planFrom(high.id, instance)).toMatchObject({ id, name: high.name, retention: { period: 30 } })
  const { items } = await client.policyAssignments.list({ instance })
  expect(items).toMatchObject([
    { policyId: high.id, planId: id, overruled: expect.arrayContaining([low.id, equal.id]) },
  ])
  await client.policies.delete(high.id)
  expect(await planFrom(low.id, instance)).toMatchObject({ id, retention: { period: 14 } })
  expect(await fixture.pointsOf(id)).toHaveLength(1)
})

test('an instance that no policy selects any more keeps its plan; one that does again takes it over', async () => {
  const { client } = policies.fixture
  const label = unique('moving')
  const instance = await register({ label })
  const policy = await createPolicy(label)
  const { id } = await planFrom(policy.id, instance)
  await client.instances.update(instance, { label: null })
  await expect.poll(async () => (await client.plans.get(id)).managedBy).toBeUndefined()
  expect(await client.plans.get(id)).toMatchObject({ paused: false })
  await client.instances.update(instance, { label })
  expect((await planFrom(policy.id, instance)).id).toBe(id)
  // What somebody changed by hand is theirs.
  await client.instances.update(instance, { label: null })
  await expect.poll(async () => (await client.plans.get(id)).managedBy).toBeUndefined()
  await client.plans.update(id, { retries: 5, name: 'mine' })
  await client.instances.update(instance, { label })
  await expect.poll(async () => (await plansOf(instance)).length).toBe(2)
  expect(await client.plans.get(id)).toMatchObject({ name: 'mine', retries: 5 })
})

test('deleting a policy keeps its plans and restore points, or deletes the plans where that is requested', async () => {
  const { fixture } = policies
  const { client } = fixture
  for (const plans of ['keep', 'pause', 'delete'] as const) {
    const label = unique(plans)
    const instance = await register({ label })
    const policy = await createPolicy(label)
    const { id, destinationId } = await planFrom(policy.id, instance)
    await fixture.runPlan(id)
    await client.policies.delete(policy.id, { plans })
    const left = await plansOf(instance)
    expect(left.map(({ paused, managedBy }) => [paused, managedBy])).toEqual(
      plans === 'delete' ? [] : [[plans === 'pause', undefined]],
    )
    const [point] = await fixture.pointsOf(id)
    expect(point).toMatchObject({ destinationId, item: 'shop' })
    expect(point?.deletion).toBeUndefined()
    expect((await client.destinations.get(destinationId)).retiredAt === undefined).toBe(plans !== 'delete')
    if (plans === 'keep') await client.plans.update(id, { paused: true })
    const verified = await client.restorePoints.verify(point?.id ?? '')
    expect((await fixture.waitForJob(verified.id)).state).toBe('succeeded')
  }
})

test('an instance is deregistered with the plans that it has from policies, and none protects one that is deprovisioned', async () => {
  const { fixture } = policies
  const { client } = fixture
  const label = unique('leaving')
  const policy = await createPolicy(label)
  const instance = await register({ label })
  const { id } = await planFrom(policy.id, instance)
  await fixture.runPlan(id)
  await client.instances.delete(instance)
  await expect(client.plans.get(id)).rejects.toMatchObject({ status: 404 })
  expect(await fixture.pointsOf(id)).toHaveLength(1)

  const deprovisioned = await register({ label })
  await planFrom(policy.id, deprovisioned)
  expect((await fixture.call('DELETE', `/backupPlans/byInstance/${deprovisioned}`)).status).toBe(204)
  const checks = async () => {
    const { items } = await client.policyAssignments.list({ instance: deprovisioned })
    return items[0]?.policyId
  }
  await expect.poll(checks).toBeUndefined()
  const sql = await fixture.connectDatabase()
  const { rows } = await sql.query(
    'update policy_checks set check_at = now() where instance_id = $1 returning checked_at',
    [deprovisioned],
  )
  await expect
    .poll(async () => {
      const after = await sql.query('select checked_at from policy_checks where instance_id = $1', [deprovisioned])
      return after.rows[0].checked_at > rows[0].checked_at
    })
    .toBe(true)
  await sql.end()
  expect(await plansOf(deprovisioned)).toEqual([])
})

test('what prevents a policy is shown, raises an alarm, and is over once it is corrected', async () => {
  const { fixture } = policies
  const { client } = fixture
  const label = unique('failing')
  const policy = await createPolicy(label, { template: template({ items: ['users'] }) })
  const instance = await register({ label })
  const assignment = async () => (await client.policyAssignments.list({ instance })).items[0]
  await expect.poll(assignment).toMatchObject({ policyId: policy.id, problem: expect.stringMatching(/"users" is not/) })
  expect((await client.policyAssignments.list({ state: 'failing' })).items.map(({ instanceId }) => instanceId)).toEqual(
    [instance],
  )
  const alarms = async () => (await client.alarms.list({ instance, state: 'open', kind: 'policy-failing' })).items
  await expect.poll(alarms).toMatchObject([{ object: { kind: 'instance', id: instance } }])
  await client.instances.update(instance, { items: ['shop', 'users'] })
  await planFrom(policy.id, instance)
  await expect.poll(alarms).toEqual([])
})

test('a template that no instance could use is refused, naming the field', async () => {
  const { call, destinations } = policies.fixture
  const create = (fields: object) =>
    call('POST', '/v1/policies', { name: unique('wrong'), selector: { instances: ['none'] }, ...fields })
  const store = (fields: object) => ({ template: template({ destination: { store: fields as never } }) })
  const s3 = { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: 's' }
  for (const [fields, field] of [
    [{}, 'template'],
    [{ template: template({ schedule: { cron: 'nonsense' } }) }, 'template.schedule.cron'],
    [{ template: template({ retention: { style: 'days' } }) }, 'template.retention.period'],
    [store({ kind: 'file', directory: destinations }), 'template.destination.store.directory'],
    [store({ kind: 'file', directory: '/etc/{instanceId}' }), 'template.destination.store.directory'],
    [store({ ...s3, endpoint: 'http://{instanceId}.example' }), 'template.destination.store'],
    [store({ ...s3, authSecret: undefined }), 'template.destination.store.authSecret'],
    [{ template: template(), selector: {} }, 'selector'],
    [{ template: template(), floor: { minimumRetentionDays: 15 } }, 'template'],
    [{ floor: { allowedDestinations: [{ kind: 'tape' }] } }, 'floor.allowedDestinations'],
  ] as const) {
    const refused = await create(fields)
    expect([field, refused.status, refused.body.field]).toEqual([field, 400, field])
  }
})

test('secrets of a template are kept by a change, and are in no answer', async () => {
  const { fixture } = policies
  const { client } = fixture
  const label = unique('secret')
  const instance = await register({ label })
  const secret = unique('a-secret')
  const store = { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: secret } as const
  const policy = await createPolicy(label, { template: template({ destination: { store } }) })
  expect(policy.template?.destination.store).toMatchObject({ authSecretSet: true })
  const { destinationId } = await planFrom(policy.id, instance)
  const { version } = await client.policies.getVersioned(policy.id)
  await client.policies.update(policy.id, { description: 'changed' }, { version })
  await expect(client.policies.update(policy.id, { priority: 7 }, { version })).rejects.toMatchObject({ status: 412 })
  expect((await client.policies.get(policy.id)).template?.destination.store).toMatchObject({ authSecretSet: true })
  expect(await client.destinations.get(destinationId)).toMatchObject({ store: { authSecretSet: true } })
  for (const path of ['/v1/policies', `/v1/policies/${policy.id}`, '/v1/policy-assignments', '/v1/audit-entries']) {
    expect((await fixture.call('GET', path)).text).not.toContain(secret)
  }
  const sql = await fixture.connectDatabase()
  const { rows } = await sql.query('select * from policies where id = $1', [policy.id])
  await sql.end()
  expect(JSON.stringify(rows)).not.toContain(secret)
})

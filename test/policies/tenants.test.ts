import { BackupClient } from '@osb-backup/client'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { expect, test } from 'vitest'
import { unique, usePolicyFixture } from './policy-fixture.ts'

const policies = usePolicyFixture()
const { register, template, createPolicy, plansOf, planFrom, tenant } = policies

const DAY_MS = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString()

test('a tenant sees the policies that concern it, without whom else they select, and changes none', async () => {
  const { fixture } = policies
  const label = unique('tenants')
  const [mine, theirs] = [await register({ label }), await register({ label: unique('other') })]
  const policy = await createPolicy(label)
  const plan = await planFrom(policy.id, mine)
  const [own, foreign] = [await tenant(mine), await tenant(theirs)]
  const { items } = await own.policies.list()
  expect(items.map(({ id }) => id)).toEqual([policy.id])
  expect(items[0]?.selector).toBeUndefined()
  expect(await own.policies.get(policy.id)).toMatchObject({ name: policy.name, template: { parallelItems: 1 } })
  expect((await own.policyAssignments.list()).items.map(({ instanceId }) => instanceId)).toEqual([mine])
  expect((await foreign.policies.list()).items).toEqual([])
  await expect(foreign.policies.get(policy.id)).rejects.toMatchObject({ status: 404 })
  await expect(foreign.policyAssignments.list({ instance: mine })).rejects.toMatchObject({ status: 404 })

  const request = { name: unique('theirs'), selector: { instances: ['*'] }, template: template() }
  for (const call of [
    () => own.policies.create(request),
    () => own.policies.preview(request),
    () => own.policies.previewChange(policy.id, {}),
    () => own.policies.update(policy.id, { priority: 9 }),
    () => own.policies.delete(policy.id),
    () => own.policyExemptions.create({ instanceId: mine, reason: 'no', expiresAt: inDays(1) }),
  ]) {
    await expect(call()).rejects.toMatchObject({ status: 403 })
  }

  const isRefused = { status: 409, message: expect.stringContaining(policy.id) }
  await expect(own.plans.update(plan.id, { retries: 9 })).rejects.toMatchObject(isRefused)
  await expect(own.plans.update(plan.id, { paused: true })).rejects.toMatchObject(isRefused)
  await expect(own.plans.delete(plan.id)).rejects.toMatchObject(isRefused)
  await expect(own.plans.createKeys(plan.id, { keepPrivateKey: true })).rejects.toMatchObject(isRefused)
  await expect(own.destinations.update(plan.destinationId, { name: 'x' })).rejects.toMatchObject(isRefused)
  await expect(own.destinations.delete(plan.destinationId)).rejects.toMatchObject(isRefused)
  expect((await fixture.call('DELETE', `/backupPlans/${plan.id}`)).status).toBe(409)
  expect(await own.plans.get(plan.id)).toMatchObject({ paused: false, retries: 2, mayPause: false })

  await fixture.client.policies.update(policy.id, { mayPause: true })
  await expect.poll(() => own.plans.get(plan.id)).toMatchObject({ mayPause: true })
  await own.plans.update(plan.id, { paused: true })
  await expect(own.plans.update(plan.id, { paused: false, retries: 9 })).rejects.toMatchObject({ status: 409 })
  // The policy is applied again, and leaves it paused.
  await fixture.client.policies.update(policy.id, { template: { retries: 4 } })
  await expect.poll(() => own.plans.get(plan.id)).toMatchObject({ retries: 4, paused: true })
  expect(await own.plans.update(plan.id, { paused: false })).toMatchObject({ paused: false })
})

test('an operator without the permission shortens no retention by a policy', async () => {
  const { client, manager } = policies.fixture
  const label = unique('shorter')
  const instance = await register({ label })
  const policy = await createPolicy(label)
  await planFrom(policy.id, instance)
  const { token } = await client.tokens.create({ name: unique('op'), role: 'operator', instances: 'all' })
  const operator = new BackupClient({ url: manager.url, token })
  const shorter = { template: { retention: { style: 'days', period: 1 } } } as const
  await expect(operator.policies.update(policy.id, shorter)).rejects.toMatchObject({ status: 403 })
  const taking = { name: unique('taking'), selector: { labels: [label] }, priority: 5 }
  const create = operator.policies.create({ ...taking, template: template(shorter.template) })
  await expect(create).rejects.toMatchObject({ status: 403 })
  const longer = await operator.policies.update(policy.id, { template: { retention: { style: 'days', period: 20 } } })
  expect(longer.template?.retention).toEqual({ style: 'days', period: 20 })
  expect((await client.policies.update(policy.id, shorter)).template?.retention).toEqual({ style: 'days', period: 1 })
})

test('a floor cannot be undercut; what was below it before stays, and is shown', async () => {
  const { fixture } = policies
  const { client } = fixture
  const label = unique('floor')
  const [instance, other] = [await register({ label }), await register({ label: unique('free') })]
  const [mine, theirs] = [await tenant(instance), await tenant(other)]
  const directory = await destination(instance, 's3.example')
  const elsewhere = await destination(instance, 'other.example')
  const plan = (fields: object = {}) => ({
    ...{ instanceId: instance, name: unique('plan'), destinationId: directory, items: ['shop'] },
    ...{ schedule: { cron: '0 0 2 29 2 *' }, retention: { style: 'days', period: 7 } as const },
    ...fields,
  })
  const early = await mine.plans.create(plan())
  const floor = {
    minimumRetentionDays: 14,
    encryptionRequired: true,
    allowedDestinations: [{ kind: 's3', server: 'http://s3.example:8000', container: 'back*' }],
  }
  const preview = await client.policies.preview({ name: unique('f'), selector: { labels: [label] }, floor })
  expect(preview.violations.map(({ planId, rule }) => [planId, rule])).toEqual([
    [early.id, 'retention'],
    [early.id, 'encryption'],
  ])
  const policy = await createPolicy(label, { template: undefined, floor } as never)

  const key = await identityToRecipient(await generateIdentity())
  const above = { retention: { style: 'gfs', keepDaily: 14 } as const, encryption: { publicKey: key } }
  for (const [fields, field] of [
    [{ ...above, retention: { style: 'days', period: 13 } }, 'retention'],
    [{ ...above, retention: { style: 'count', period: 1000 } }, 'retention'],
    [{ ...above, encryption: {} }, 'encryption.publicKey'],
    [{ ...above, destinationId: elsewhere }, 'destinationId'],
  ] as const) {
    const refused = mine.plans.create(plan(fields) as never)
    await expect(refused).rejects.toMatchObject({ status: 400, field, message: expect.stringContaining(policy.name) })
  }
  const legacy = await fixture.call('PATCH', `/backupPlans/${early.id}`, {
    ...{ name: 'legacy', frequency: '0 0 2 29 2 *', retentionStyle: 'FILES', retentionPeriod: 3, items: ['shop'] },
    ...{ serviceInstance: { service_instance_id: instance }, fileDestination: { id: directory } },
  })
  expect([legacy.status, legacy.text]).toEqual([400, expect.stringContaining(policy.name)])
  const good = await mine.plans.create(plan(above))
  await expect(mine.plans.update(good.id, { destinationId: elsewhere })).rejects.toMatchObject({
    field: 'destinationId',
  })
  const moved = mine.destinations.update(directory, { store: { kind: 's3', endpoint: 'http://evil.example:8000' } })
  await expect(moved).rejects.toMatchObject({ status: 400, field: 'store' })

  // What was below it can be paused and improved, not made worse.
  expect(await mine.plans.update(early.id, { paused: true })).toMatchObject({ paused: true })
  await expect(mine.plans.update(early.id, { retention: { period: 8 } })).rejects.toMatchObject({ field: 'retention' })
  const { items } = await mine.policyAssignments.list({ state: 'violating' })
  expect(items).toMatchObject([
    {
      instanceId: instance,
      violations: [
        { planId: early.id, rule: 'retention' },
        { planId: early.id, rule: 'encryption' },
      ],
    },
  ])
  await mine.plans.update(early.id, { ...above, retention: { style: 'days', period: 14 } })
  expect((await mine.policyAssignments.list({ state: 'violating' })).items).toEqual([])
  // Another tenant is not concerned.
  const free = await destination(other, 'other.example')
  await theirs.plans.create(plan({ instanceId: other, destinationId: free }))
  expect((await theirs.policies.list()).items).toEqual([])
})

async function destination(instanceId: string, host: string): Promise<string> {
  const store = {
    kind: 's3',
    endpoint: `http://${host}:8000`,
    bucket: 'backups',
    authKey: 'k',
    authSecret: 's',
  } as const
  return (await policies.fixture.client.destinations.create({ instanceId, name: unique(host), store })).id
}

test('an exempt instance is not backed up and raises no alarms, until the exemption ends', async () => {
  const { fixture } = policies
  const { client } = fixture
  const label = unique('exempt')
  const policy = await createPolicy(label)
  const instance = await register({ label })
  const plan = await planFrom(policy.id, instance)
  const sql = await fixture.connectDatabase()
  await sql.query("update backup_plans set created_at = now() - interval '9 years' where id = $1", [plan.id])
  const alarms = async () => (await client.alarms.list({ instance, state: 'open' })).items.map(({ kind }) => kind)
  await expect.poll(alarms).toEqual(['rpo-exceeded'])

  await expect(
    client.policyExemptions.create({ instanceId: instance, reason: 'late', expiresAt: '2020-01-01T00:00:00Z' }),
  ).rejects.toMatchObject({ status: 400, field: 'expiresAt' })
  const exemption = await client.policyExemptions.create({
    instanceId: instance,
    reason: 'A load test',
    expiresAt: inDays(3),
  })
  await expect.poll(alarms).toEqual([])
  await expect.poll(() => client.plans.get(plan.id)).toMatchObject({ paused: true, managedBy: `policy:${policy.id}` })
  const { protection } = await client.instances.get(instance)
  expect(protection).toMatchObject({ state: 'exempt', reason: expect.stringMatching(/on purpose until .*A load test/) })
  expect((await client.instances.list({ protection: 'exempt' })).items.map(({ id }) => id)).toEqual([instance])
  const mine = await tenant(instance)
  expect((await mine.overview()).instances).toMatchObject({ total: 1, exempt: 1, unprotected: 0 })
  expect((await mine.policyExemptions.list()).items).toMatchObject([{ id: exemption.id, active: true }])
  await expect(mine.policyExemptions.delete(exemption.id)).rejects.toMatchObject({ status: 403 })
  const stranger = await tenant(await register())
  await expect(stranger.policyExemptions.get(exemption.id)).rejects.toMatchObject({ status: 404 })
  const twice = { instanceId: instance, reason: 'again', expiresAt: inDays(1) }
  await expect(client.policyExemptions.create(twice)).rejects.toMatchObject({ status: 409 })
  const extended = await client.policyExemptions.update(exemption.id, { expiresAt: inDays(9) })
  expect(extended).toMatchObject({ reason: 'A load test', active: true })

  await sql.query('update policy_exemptions set expires_at = now() where id = $1', [exemption.id])
  await sql.end()
  await expect.poll(() => client.plans.get(plan.id)).toMatchObject({ paused: false })
  await expect.poll(alarms).toEqual(['rpo-exceeded'])
  expect((await client.instances.get(instance)).protection.state).toBe('unprotected')
  expect((await client.policyExemptions.list({ instance, active: 'true' })).items).toEqual([])

  // An instance that is exempt when it would be protected first gets no plan before that ends.
  const young = await register()
  const { id } = await client.policyExemptions.create({ instanceId: young, reason: 'scratch', expiresAt: inDays(1) })
  await client.instances.update(young, { label })
  const assignment = async () => (await client.policyAssignments.list({ instance: young })).items[0]
  await expect.poll(assignment).toMatchObject({ policyId: policy.id, exemptUntil: expect.any(String) })
  expect(await plansOf(young)).toEqual([])
  await client.policyExemptions.delete(id)
  await planFrom(policy.id, young)
})

test('a preview says which instances get, change and lose plans, and why each restore point would be kept', async () => {
  const { fixture } = policies
  const { client } = fixture
  const label = unique('preview')
  const [first, exempt] = [await register({ label }), await register({ label })]
  const { id: exemptionId } = await client.policyExemptions.create({
    ...{ instanceId: exempt, reason: 'no', expiresAt: inDays(1) },
  })
  const request = { name: unique('p'), selector: { labels: [label] }, template: template() }
  const before = await client.policies.preview(request)
  expect(before).toMatchObject({ counts: { selected: 2, gains: 1, changes: 0, loses: 0, exempt: 1 } })
  expect(before.instances.map(({ instanceId, effect }) => [instanceId, effect]).toSorted()).toEqual(
    [
      [first, 'gains'],
      [exempt, 'exempt'],
    ].toSorted(),
  )
  expect(await plansOf(first)).toEqual([])
  const policy = await client.policies.create(request)
  const plan = await planFrom(policy.id, first)
  for (let run = 0; run < 3; run++) await fixture.runPlan(plan.id)
  const change = { template: { retention: { style: 'gfs', keepDaily: 1, maxAgeDays: 30 } } } as const
  const changed = await client.policies.previewChange(policy.id, { change })
  expect(changed.counts).toMatchObject({ selected: 2, changes: 1, deletedRestorePoints: 2 })
  const [previewed] = changed.instances.filter(({ instanceId }) => instanceId === first)
  expect(previewed).toMatchObject({ effect: 'changes', planId: plan.id, changes: ['retention'] })
  expect(previewed?.restorePoints.map(({ kept, keptBecause }) => [kept, keptBecause])).toEqual([
    [true, ['newest', 'daily']],
    [false, []],
    [false, []],
  ])
  const removed = await client.policies.previewChange(policy.id, { remove: true })
  expect(removed.counts).toMatchObject({ loses: 1, deletedRestorePoints: 0 })
  const none = await client.policies.previewChange(policy.id, { change: { selector: { labels: ['nothing'] } } })
  expect(none.counts).toMatchObject({ selected: 0, loses: 1 })
  expect(await fixture.pointsOf(plan.id)).toHaveLength(3)
  expect((await client.policies.get(policy.id)).template?.retention).toEqual({ style: 'days', period: 14 })
  await client.policyExemptions.delete(exemptionId)
})

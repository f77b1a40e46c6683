import { ApiError } from '@osb-backup/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'

let api: Fixture

beforeAll(async () => {
  api = await startFixture({ 'backup-cleanup': 'echo cleaned >&2', restore: 'cat > "$0.restored"' })
})

afterAll(() => api?.[Symbol.asyncDispose]())

const refusal = (status: number, fields: object) => expect.objectContaining({ name: 'ApiError', status, ...fields })

describe('destinations', () => {
  const s3 = {
    kind: 's3',
    endpoint: 'http://127.0.0.1:9',
    bucket: 'b',
    authKey: 'k',
    authSecret: 'the-secret',
  } as const

  test('never show their secret, keep it on a change, and do not change their kind', async () => {
    const created = await api.client.destinations.create({ instanceId, name: 's3', store: s3 })
    const { authSecret: _, ...shown } = s3
    expect(created.store).toEqual({ ...shown, authSecretSet: true })
    const changed = await api.client.destinations.update(created.id, { store: { kind: 's3', region: 'r' } })
    expect(changed.store).toEqual({ ...shown, region: 'r', authSecretSet: true })
    await expect(
      api.client.destinations.update(created.id, { store: { kind: 'file', directory: '/x' } }),
    ).rejects.toEqual(refusal(400, { field: 'store.kind' }))
    expect((await api.client.destinations.list({ kind: 's3' })).items.map(({ id }) => id)).toEqual([created.id])
    await api.client.destinations.delete(created.id)
  })

  test('are checked, stored or not; what is wrong is named by its field', async () => {
    expect(await api.client.destinations.check(api.destinationId)).toMatchObject({ usable: true })
    await expect(
      api.client.destinations.checkSettings({ instanceId, name: 's3', store: { ...s3, endpoint: 'http://' } }),
    ).rejects.toEqual(refusal(400, { field: 'store.endpoint' }))
    await expect(
      api.client.destinations.create({ instanceId, name: 'x', store: { kind: 'file', directory: '/etc' } }),
    ).rejects.toEqual(refusal(400, { field: 'store.directory' }))
    await expect(api.client.destinations.create({ instanceId: 'none', name: 'x', store: s3 })).rejects.toEqual(
      refusal(400, { field: 'instanceId' }),
    )
  })

  test('are reconciled with their restore points', async () => {
    const { id } = await api.client.destinations.reconcile(api.destinationId, { olderThanSeconds: 0 })
    expect(await api.client.reconciliations.wait(id)).toMatchObject({
      state: 'succeeded',
      findings: { orphanCount: 0, incompleteUploadCount: 0, missingCount: 0 },
    })
  })
})

describe('plans', () => {
  test('are patched field by field, at any depth', async () => {
    const plan = await api.createPlan({ compression: { algorithm: 'gzip', level: 7 }, rpoSeconds: 3600 })
    expect(plan).toMatchObject({
      schedule: { cron: '0 0 2 29 2 *', timezone: 'UTC' },
      retention: { style: 'all' },
      compression: { algorithm: 'gzip', level: 7 },
      encryption: { privateKeySet: false },
      paused: false,
      nextRunAt: expect.stringMatching(/Z$/),
    })
    const patch = { schedule: { timezone: 'Europe/Berlin' }, compression: { level: null }, rpoSeconds: null }
    const changed = await api.client.plans.update(plan.id, patch)
    expect(changed).toMatchObject({
      schedule: { cron: '0 0 2 29 2 *', timezone: 'Europe/Berlin' },
      compression: { algorithm: 'gzip' },
    })
    expect(changed.compression).not.toHaveProperty('level')
    expect(changed).not.toHaveProperty('rpoSeconds')
    await api.client.plans.update(plan.id, { encryption: { publicKey: 'a key', privateKey: 'another' } })
    const kept = await api.client.plans.update(plan.id, { paused: true })
    expect(kept.encryption).toEqual({ publicKey: 'a key', privateKeySet: true })
    const removed = await api.client.plans.update(plan.id, { encryption: { privateKey: null } })
    expect(removed.encryption).toEqual({ publicKey: 'a key', privateKeySet: false })
    await api.client.plans.delete(plan.id)
  })

  test.for([
    [{ schedule: { cron: 'nonsense' } }, 'schedule.cron'],
    [{ schedule: { timezone: 'Middle/Earth' } }, 'schedule.timezone'],
    [{ retention: { style: 'days' } }, 'retention.period'],
    [{ retention: { style: 'gfs', period: 7 } }, 'retention.keepDaily'],
    [{ retention: { style: 'gfs', maxAgeDays: 7 } }, 'retention.keepDaily'],
    [{ retention: { style: 'gfs', keepDaily: 0 } }, 'retention.keepDaily'],
    [{ retention: { style: 'days', period: 7, keepDaily: 7 } }, 'retention.style'],
    [{ compression: { algorithm: 'gzip', level: 19 } }, 'compression.level'],
    [{ encryption: { publicKey: 'age1nonsense' } }, 'encryption.publicKey'],
    [{ destinationId: 'none' }, 'destinationId'],
    [{ items: [] }, 'items'],
    [{ name: null }, 'name'],
  ] as const)('a patch with %j is refused for %s', async ([patch, field]) => {
    const plan = await api.createPlan()
    const { status, body } = await api.call('PATCH', `/v1/plans/${plan.id}`, patch)
    expect({ status, field: body.field, code: body.code }).toEqual({ status: 400, field, code: 'invalid-request' })
    await api.client.plans.delete(plan.id)
  })

  test('keep generations, and a retention of another style replaces the old one', async () => {
    const generations = { style: 'gfs', keepLast: 2, keepDaily: 7, keepMonthly: 12, maxAgeDays: 400 } as const
    const plan = await api.createPlan({ retention: generations })
    expect(plan.retention).toEqual(generations)
    const fewer = await api.client.plans.update(plan.id, { retention: { keepDaily: 5, keepLast: null } })
    expect(fewer.retention).toEqual({ style: 'gfs', keepDaily: 5, keepMonthly: 12, maxAgeDays: 400 })
    expect(fewer).toHaveProperty('retentionEffectiveAt')
    const days = await api.client.plans.update(plan.id, { retention: { style: 'days', period: 9 } })
    expect(days.retention).toEqual({ style: 'days', period: 9 })
    const again = await api.client.plans.update(plan.id, { retention: { style: 'gfs', keepYearly: 1 } })
    expect(again.retention).toEqual({ style: 'gfs', keepYearly: 1 })

    // Clients of the first API see a style that they know, and what they send back changes nothing.
    const old = await api.call('GET', `/backupPlans/${plan.id}`)
    expect(old.body.retentionStyle).toBe('ALL')
    const sent = await api.call('PATCH', `/backupPlans/${plan.id}`, { ...old.body, name: 'renamed' })
    expect(sent).toMatchObject({ status: 200, body: { name: 'renamed', retentionStyle: 'ALL' } })
    expect((await api.client.plans.get(plan.id)).retention).toEqual({ style: 'gfs', keepYearly: 1 })
    await api.client.plans.delete(plan.id)
  })

  test('are previewed, and get keys', async () => {
    const schedule = { cron: '0 0 2 * * *', timezone: 'Europe/Berlin' }
    const preview = await api.client.plans.preview({ schedule, retention: { style: 'count', period: 3 } })
    expect(preview.runs).toHaveLength(10)
    expect(preview.runs[0]).toMatch(/T0[01]:00:00.000Z$/)
    expect(preview.runsKept).toHaveLength(3)
    expect(preview.description).toBe('At 02:00, every day')
    const weekly = await api.client.plans.preview({ schedule, retention: { style: 'gfs', keepWeekly: 9 } })
    // Ten days lie in two weeks or in three: of each the last is kept.
    expect([2, 3]).toContain(weekly.runsKept?.length)
    expect(weekly.runsKept?.at(-1)).toBe(weekly.runs.at(-1))
    const crontab = await api.client.plans.preview({ schedule: { cron: '0 2 1,15 * MON' } })
    expect(crontab.description).toMatch(
      /^At 02:00, on day 1 or 15 of the month, or on Monday \(five fields, as in crontab/,
    )
    const spring = await api.client.plans.preview({ schedule: { cron: '0 0 2 1,15 * MON' } })
    expect(spring.description).toMatch(
      /if it is Monday \(six fields, as in Spring: a day has to match both day fields\)$/,
    )
    const plan = await api.createPlan()
    const keys = await api.client.plans.createKeys(plan.id, { keepPrivateKey: true })
    expect(keys.privateKey).toMatch(/^AGE-SECRET-KEY-/)
    const { encryption } = await api.client.plans.get(plan.id)
    expect(encryption).toEqual({ publicKey: keys.publicKey, privateKeySet: true })
    await api.client.plans.delete(plan.id)
  })
})

test('a backup is run, verified, held, restored and deleted', async () => {
  const { client } = api
  const plan = await api.createPlan({ items: ['main'] })
  const started = await api.call('POST', `/v1/plans/${plan.id}/run`)
  expect(started.status).toBe(202)
  expect(started.headers.get('location')).toBe(`/v1/jobs/${started.body.id}`)
  const backup = await client.jobs.wait(started.body.id, { signal: AbortSignal.timeout(60_000) })
  expect(backup).toMatchObject({
    kind: 'backup',
    state: 'succeeded',
    planId: plan.id,
    durationSeconds: expect.any(Number),
  })
  expect(backup.parts).toMatchObject([{ item: 'main', state: 'succeeded', sizeBytes: 20, warnings: [] }])
  const { items: logs } = await client.jobs.logs(backup.id)
  expect(logs).toContainEqual({ item: 'main', stage: 'backup-cleanup', stream: 'stderr', text: 'cleaned\n' })
  const point = await api.newestPoint(plan.id)
  expect(point).toMatchObject({
    jobId: backup.id,
    item: 'main',
    sizeBytes: 20,
    objectName: backup.parts[0]?.objectName,
  })
  const verification = await client.restorePoints.verify(point.id)
  expect(await client.jobs.wait(verification.id)).toMatchObject({ kind: 'verify', state: 'succeeded' })
  expect(await client.restorePoints.get(point.id)).toMatchObject({ verification: { state: 'intact' } })
  expect(await client.restorePoints.hold(point.id)).toMatchObject({ held: true })
  await expect(client.restorePoints.delete(point.id)).rejects.toEqual(refusal(409, { code: 'conflict' }))
  expect(await client.restorePoints.release(point.id)).toMatchObject({ held: false })
  const restore = await client.restorePoints.restore(point.id, { database: 'copy' })
  const restored = await client.jobs.wait(restore.id, { signal: AbortSignal.timeout(60_000) })
  expect(restored).toMatchObject({ kind: 'restore', state: 'succeeded', sourceJobId: backup.id })
  expect(restored.parts).toMatchObject([{ item: 'main', database: 'copy', restorePointId: point.id }])
  await client.jobs.delete(restored.id)
  await client.restorePoints.delete(point.id)
  await expect(client.restorePoints.get(point.id)).rejects.toEqual(refusal(404, { code: 'not-found' }))
  await client.plans.delete(plan.id)
})

test('a cancelled job is cancelled, not failed', async () => {
  const slow = await startFixture({ backup: 'sleep 60' })
  try {
    const plan = await slow.createPlan()
    const { id } = await slow.client.plans.run(plan.id)
    await expect.poll(async () => (await slow.client.jobs.get(id)).state, { timeout: 30_000 }).toBe('running')
    await slow.client.jobs.cancel(id)
    const job = await slow.client.jobs.wait(id, { signal: AbortSignal.timeout(60_000) })
    expect(job).toMatchObject({ state: 'cancelled', cancellation: { requestedBy: 'first admin token' } })
    expect((await slow.client.jobs.list({ state: 'cancelled' })).items.map((each) => each.id)).toEqual([id])
    expect((await slow.client.jobs.list({ state: 'failed' })).items).toEqual([])
    await expect(slow.client.jobs.cancel(id)).rejects.toBeInstanceOf(ApiError)
    expect(await slow.client.overview()).toMatchObject({ jobs: { cancelledLastDay: 1, failedLastDay: 0 } })
  } finally {
    await slow[Symbol.asyncDispose]()
  }
})

import { BackupClient } from '@osb-backup/client'
import type { PlanCreate } from '@osb-backup/protocol/v1'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'

const PLANS = 7

let api: Fixture
let planIds: string[]

beforeAll(async () => {
  api = await startFixture()
  planIds = []
  for (let index = 0; index < PLANS; index++) {
    const item = index % 2 === 0 ? 'even' : 'odd'
    const fields: Partial<PlanCreate> = { name: `plan_${index}%`, items: [item], paused: index === 3 }
    planIds.unshift((await api.createPlan(fields)).id)
  }
  // Two of each, so that jobs and restore points have an order too.
  for (const planId of [...planIds.slice(0, 2), ...planIds.slice(0, 2)]) await api.runPlan(planId)
})

afterAll(() => api?.[Symbol.asyncDispose]())

/** The paths of all lists that the API describes, without an id in them. */
async function listPaths(): Promise<string[]> {
  const { body } = await api.call('GET', '/openapi.json')
  const paths = Object.entries<Record<string, { parameters?: { name: string }[] }>>(body.paths)
  return paths.flatMap(([path, { get }]) =>
    path.startsWith('/v1/') && !path.includes('{') && get?.parameters?.some(({ name }) => name === 'cursor')
      ? [path]
      : [],
  )
}

test('every list is the same in pages of any size, newest first', async () => {
  const paths = await listPaths()
  expect(paths.length).toBeGreaterThanOrEqual(8)
  for (const path of paths) {
    const whole = (await api.call('GET', `${path}?limit=500&until=2999-01-01T00:00:00Z`)).body
    const all = whole.items ?? (await api.call('GET', `${path}?limit=500`)).body.items
    for (const limit of [1, 3]) {
      const paged: unknown[] = []
      let cursor: string | undefined
      do {
        const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) })
        const { status, body } = await api.call('GET', `${path}?${query}`)
        expect([path, status]).toEqual([path, 200])
        expect(body.items.length).toBeLessThanOrEqual(limit)
        paged.push(...body.items)
        cursor = body.nextCursor
      } while (cursor !== undefined && paged.length < all.length)
      expect([path, paged.length]).toEqual([path, all.length])
      expect(paged.map(idOf)).toEqual(all.map(idOf))
    }
  }
})

const idOf = (entry: unknown) => {
  const { id, name } = entry as { id?: string; name?: string }
  return id ?? name
}

test('what is created while a list is read neither repeats nor hides entries', async () => {
  const seen: string[] = []
  for await (const plan of api.client.plans.iterate({ limit: 2 })) {
    if (seen.length === 3) planIds.unshift((await api.createPlan({ name: 'meanwhile' })).id)
    seen.push(plan.id)
  }
  expect(seen).toEqual(planIds.slice(1))
})

test.for([
  [{ item: 'odd' }, ['plan_1%', 'plan_3%', 'plan_5%']],
  [{ paused: 'true' }, ['plan_3%']],
  // What means anything to SQL means itself.
  [{ q: 'plan_1%' }, ['plan_1%']],
  [{ q: 'plan%' }, []],
  [{ q: 'PLAN_6' }, ['plan_6%']],
  [{ item: 'even', q: '4' }, ['plan_4%']],
] as const)('plans filtered by %j', async ([filter, names]) => {
  const { items } = await api.client.plans.list({ instance: instanceId, ...filter })
  expect(items.map(({ name }) => name).sort()).toEqual(names)
})

test('jobs and restore points are filtered by what they belong to, and by time', async () => {
  const { client } = api
  const [planId = ''] = planIds.slice(1)
  const { items: jobs } = await client.jobs.list({ plan: planId })
  expect(jobs).toHaveLength(2)
  const [newer, older] = jobs
  expect(Date.parse(newer?.createdAt ?? '')).toBeGreaterThan(Date.parse(older?.createdAt ?? ''))
  const idsOf = async (query: object) => (await client.jobs.list({ plan: planId, ...query })).items.map(({ id }) => id)
  expect(await idsOf({ since: newer?.createdAt })).toEqual([newer?.id])
  expect(await idsOf({ until: newer?.createdAt })).toEqual([older?.id])
  expect(await idsOf({ state: 'succeeded', kind: 'backup', item: 'even' })).toEqual([newer?.id, older?.id])
  expect(await idsOf({ item: 'odd' })).toEqual([])
  expect(await idsOf({ state: 'failed' })).toEqual([])
  expect(await idsOf({ q: newer?.id })).toEqual([newer?.id])
  expect(await idsOf({ q: 'plan_6' })).toEqual([newer?.id, older?.id])
  const { items: points } = await client.restorePoints.list({ job: newer?.id })
  expect(points).toMatchObject([{ planId, jobId: newer?.id, item: 'even' }])
  expect((await client.restorePoints.list({ plan: planId, until: points[0]?.takenAt })).items).toHaveLength(1)
  expect((await client.restorePoints.list({ held: 'true' })).items).toEqual([])
})

test('a list shows what was granted, over all instances, and none of an instance that was not', async () => {
  const { client, agentId } = api
  await client.instances.create({ id: 'other', agentId, hosts: [{ address: '10.0.0.6', port: 5432 }] })
  const { token } = await client.tokens.create({ name: 'other', role: 'viewer', instances: ['other'] })
  const restricted = new BackupClient({ url: api.manager.url, token })
  expect((await restricted.instances.list()).items.map(({ id }) => id)).toEqual(['other'])
  expect((await restricted.agents.list()).items.map(({ id }) => id)).toEqual([agentId])
  for (const list of [restricted.plans, restricted.jobs, restricted.restorePoints, restricted.destinations]) {
    expect((await list.list()).items).toEqual([])
  }
  await expect(restricted.jobs.list({ instance: instanceId })).rejects.toMatchObject({ status: 404, code: 'not-found' })
  expect(await restricted.overview()).toMatchObject({
    instances: { total: 1, unprotected: 1 },
    restorePoints: { total: 0 },
  })
})

test.for(['nonsense', 'W10', 'WyJhIl0', 'WyJhIiwiYiIsImMiXQ', 'WyIxIiwiXHUwMDAwIl0', 'bnVsbA'])(
  'a cursor %s that no list gave out is refused',
  async (cursor) => {
    for (const path of await listPaths()) {
      const { status, body } = await api.call('GET', `${path}?cursor=${cursor}`)
      expect([path, status, body.field]).toEqual([path, 400, 'cursor'])
    }
  },
)

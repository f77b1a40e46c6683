import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { instanceId, startFixture } from '../fixtures/fixture.ts'

const METRICS_TOKEN = 'token-of-prometheus-0123456789'

test('what drills prove, and fail to prove, is in alarms and metrics, and what was proven once stays', async () => {
  const scripts = { restore: 'cat >/dev/null', verify: '[ ! -e "$(dirname "$0")/../broken" ]' }
  await using fixture = await startFixture(scripts, { ALARM_INTERVAL_SECONDS: '1', METRICS_TOKEN })
  const { client, folder } = fixture
  const hosts = [{ address: '10.0.0.6', port: 5432 }]
  await client.instances.create({ id: 'drills', agentId: fixture.agentId, hosts, drillTarget: true })
  const target = { kind: 'instance', instanceId: 'drills', database: 'drill' } as const
  const plan = await fixture.createPlan({ drill: { target } })
  await fixture.runPlan(plan.id)
  const drill = async () => {
    const { id } = await client.plans.drill(plan.id)
    return fixture.waitForJob(id)
  }
  const openKinds = async () => {
    const { items } = await client.alarms.list({ state: 'open', instance: instanceId })
    return items.map(({ kind }) => kind).filter((kind) => kind === 'drill-failed' || kind === 'not-proven')
  }
  const provenMetric = async () => {
    const headers = { authorization: `Bearer ${METRICS_TOKEN}` }
    const text = await (await fetch(`${fixture.manager.url}/metrics`, { headers })).text()
    return /^osb_backup_plan_last_proven_restorable_timestamp_seconds\{.*\} (.+)$/m.exec(text)?.[1]
  }
  expect(await provenMetric()).toBeUndefined()
  expect((await drill()).state).toBe('succeeded')
  const { lastProvenRestorableAt = '' } = await client.instances.get(instanceId)
  expect(Number(await provenMetric())).toBeCloseTo(Date.parse(lastProvenRestorableAt) / 1000, 0)

  await writeFile(join(folder, 'broken'), '')
  const failed = await drill()
  expect(failed.state).toBe('failed')
  await expect.poll(openKinds).toEqual(['drill-failed'])
  const { items } = await client.instances.listItems(instanceId)
  expect(items).toMatchObject([{ lastProvenRestorableAt, lastDrill: { jobId: failed.id, passed: false } }])

  const sql = await fixture.connectDatabase()
  await sql.query(
    "update restorable_items set proven_at = now() - interval '31 days', known_since = now() - interval '1 year'",
  )
  await sql.query("update backup_plans set drill_since = now() - interval '1 year' where drill is not null")
  await expect.poll(async () => (await openKinds()).toSorted()).toEqual(['drill-failed', 'not-proven'])
  expect((await client.overview()).drills).toMatchObject({ items: 1, proven: 0 })
  await client.plans.update(plan.id, { drill: null })
  await expect.poll(openKinds).toEqual([])
  await sql.end()
})

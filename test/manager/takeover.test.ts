import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startFixture } from '../fixtures/fixture.ts'

test('a job that another manager has locked is not written by the former owner, and is claimed again when that manager is dead', async () => {
  await using fixture = await startFixture({
    backup: 'until [ -e "$(dirname "$0")/../go" ]; do sleep 0.1; done; echo content',
  })
  const sql = await fixture.connectDatabase()
  const plan = await fixture.createPlan()
  const { id } = await fixture.client.plans.run(plan.id)
  const state = async () => (await fixture.client.jobs.get(id)).parts[0]?.stage
  await expect.poll(state, { interval: 50 }).toBe('backup')

  await sql.query("insert into managers (id, heartbeat_at) values ('another', now() + interval '1 hour')")
  await sql.query("update jobs set locked_by = 'another' where id = $1", [id])
  await writeFile(join(fixture.folder, 'go'), '')
  const stored = async () => (await readdir(join(fixture.store, plan.id)).catch(() => [])).length
  // The object and its manifest: the agent has finished, and the former owner has had time to poll it.
  await expect.poll(stored).toBe(2)
  await sleep(2000)
  const { rows } = await sql.query('select status, locked_by from jobs where id = $1', [id])
  expect(rows).toEqual([{ status: 'RUNNING', locked_by: 'another' }])

  await sql.query("delete from managers where id = 'another'")
  expect((await fixture.waitForJob(id)).state).toBe('succeeded')
  await sql.end()
})

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { jobEnd, makeSmallWorld } from './small-world.ts'

test('what somebody else drives is not written by who drove it before, and is taken back when they are gone', async () => {
  await using world = await makeSmallWorld({ backup: 'sleep 2; echo content' })
  const sql = new Client({ host: join(world.folder, 'manager', 'postgres'), user: 'osb_backup', database: 'postgres' })
  await sql.connect()
  const plan = await world.makePlan()
  const { id } = await world.client.jobs.startBackup(plan.id)
  const state = async () => (await world.client.jobs.get(id)).agentExecutionReponses.db1?.state
  await expect.poll(state, { interval: 50 }).toBe('backup')

  await sql.query("insert into managers (id, heartbeat_at) values ('another', now() + interval '1 hour')")
  await sql.query("update jobs set locked_by = 'another' where id = $1", [id])
  await delay(4000)
  const { rows } = await sql.query('select status, locked_by from jobs where id = $1', [id])
  expect(rows).toEqual([{ status: 'RUNNING', locked_by: 'another' }])

  await sql.query("delete from managers where id = 'another'")
  expect((await jobEnd(world.client, id)).status).toBe('SUCCEEDED')
  await sql.end()
})

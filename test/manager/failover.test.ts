import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { OwnPostgres } from '../chaos/own-postgres.ts'
import { startFixture } from '../fixtures/fixture.ts'

test('when a primary is lost, the manager continues on its synchronous standby with all that was acknowledged', async () => {
  await using folder = await makeTemporaryFolder()
  await using primary = await OwnPostgres.start(folder.path)
  await using standby = await OwnPostgres.startStandby(primary, folder.path)
  const gate = join(folder.path, 'gate')
  await writeFile(gate, '')
  await using fixture = await startFixture(
    { backup: `while [ -e ${gate} ]; do sleep 0.1; done; echo content` },
    {
      DATABASE_URL: `postgresql://lab:lab-secret@${primary.address},${standby.address}/postgres?target_session_attrs=read-write`,
    },
  )
  const { client, agentId } = fixture
  const plan = await fixture.createPlan()
  const job = await client.plans.run(plan.id)
  await expect.poll(async () => (await client.jobs.get(job.id)).parts[0]?.stage).toBe('backup')

  const acknowledged: string[] = []
  const stopped = new AbortController()
  const register = async () => {
    for (let number = 1; !stopped.signal.aborted; number++) {
      const id = `instance-${number}`
      const hosts = [{ address: '10.0.0.5', port: 5432 }]
      await client.instances.create({ id, agentId, hosts }).then(
        () => acknowledged.push(id),
        (error: { status?: number }) => expect(error.status).toBe(503),
      )
    }
  }
  const registering = register()
  await expect.poll(() => acknowledged.length).toBeGreaterThan(20)
  await primary.crash()
  const before = acknowledged.length
  await standby.query('select pg_promote()')
  await expect.poll(() => acknowledged.length).toBeGreaterThan(before + 20)
  stopped.abort()
  await registering

  const stored = await standby.query<{ id: string }>('select id from service_instances')
  expect(acknowledged.filter((id) => !stored.some((row) => row.id === id))).toEqual([])
  await rm(gate)
  expect((await fixture.waitForJob(job.id)).state).toBe('succeeded')

  // The former primary comes back, and accepts writes as well: it is not the newest.
  await primary.start()
  await standby.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'osb-backup%'",
  )
  const created = async () =>
    (await client.agents.create({ url: 'http://127.0.0.1:9', username: 'a', password: 'p' })).id
  await expect.poll(() => created().catch(() => undefined)).toBeDefined()
  const [row] = await standby.query<{ count: number }>(
    "select count(*)::int from agents where url = 'http://127.0.0.1:9'",
  )
  expect(row?.count).toBeGreaterThan(0)
})

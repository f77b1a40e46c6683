import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startFixture } from '../fixtures/fixture.ts'

/** The processes of a PostgreSQL that serve a client. */
async function findBackends(postmaster: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
      const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return status.includes(`\nPPid:\t${postmaster}\n`) && title.includes('osb_backup postgres') ? [pid] : []
    }),
  )
  return found.flat()
}

test.for(['backend', 'postmaster'])(
  'after kill -9 of a %s the manager continues, and its jobs succeed',
  async (victim) => {
    await using fixture = await startFixture({
      backup: 'while [ -e "$(dirname "$0")/closed" ]; do sleep 0.1; done; echo content',
    })
    const gate = join(fixture.folder, 'scripts', 'closed')
    await writeFile(gate, '')
    const { client } = fixture
    const plan = await fixture.createPlan()
    const { id } = await client.plans.run(plan.id)
    await expect.poll(async () => (await client.jobs.get(id)).parts[0]?.stage).toBe('backup')

    const pidFile = join(fixture.folder, 'manager', 'postgres', 'data', 'postmaster.pid')
    const postmaster = Number((await readFile(pidFile, 'utf8')).split('\n')[0])
    const [backend = Number.NaN] = await findBackends(postmaster)
    process.kill(victim === 'backend' ? backend : postmaster, 'SIGKILL')

    await rm(gate)
    const state = () =>
      client.jobs.get(id).then(
        (job) => job.state,
        (error: { status?: number }) => error.status,
      )
    await expect.poll(state).toBe('succeeded')
    await expect.poll(async () => (await fixture.call('GET', '/ready')).status).toBe(200)
    expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
    expect(await fixture.pointsOf(plan.id)).toHaveLength(2)
  },
)

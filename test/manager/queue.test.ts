import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

/** As many as an agent runs by default. */
const AGENT_SLOTS = 10
let fixture: Fixture

beforeAll(async () => {
  const gate = 'case "$BACKUP_DATABASE" in gated*) until [ -e "$(dirname "$0")/open" ]; do sleep 0.1; done;; esac'
  fixture = await startFixture({ backup: `${gate}; echo content`, restore: 'cat > /dev/null' })
})
afterAll(() => fixture[Symbol.asyncDispose]())

test('a restore starts although backups occupy every slot of manager and agent, and many more wait', async () => {
  const { client } = fixture
  const source = await fixture.createPlan()
  await fixture.runPlan(source.id)
  const point = await fixture.newestPoint(source.id)
  const names = Array.from({ length: 30 }, (_, index) => `gated${index}`)
  const plans = await Promise.all(names.map((name) => fixture.createPlan({ name, items: [name] })))
  const queued = await Promise.all(plans.map(({ id }) => client.plans.run(id)))
  const inBackupStage = async () => {
    const jobs = await Promise.all(queued.map(({ id }) => client.jobs.get(id)))
    return jobs.filter(({ parts }) => parts[0]?.stage === 'backup').length
  }
  await expect.poll(inBackupStage).toBe(AGENT_SLOTS)

  const { id } = await client.restorePoints.restore(point.id, {})
  expect(await fixture.waitForJob(id)).toMatchObject({ state: 'succeeded' })
  expect(await inBackupStage()).toBe(AGENT_SLOTS)

  await writeFile(join(fixture.folder, 'scripts', 'open'), '')
  for (const job of queued) expect(await fixture.waitForJob(job.id)).toMatchObject({ state: 'succeeded' })
})

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AgentProcess,
  type ManagerProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
} from '@osb-backup/testkit'
import { expect, inject, test } from 'vitest'
import { recreateDatabase } from './databases.ts'
import { errorsOf, jobEnd, makePlan, registerInstance } from './fixture.ts'
import { makePlaces, places } from './places.ts'

const lab = inject('lab')
const item = 'slow'

/** An agent whose backup lasts until `release`, and counts how often it ran. */
async function slowAgent(folder: string) {
  const scripts = join(folder, 'scripts')
  const destinations = join(folder, 'destinations')
  await mkdir(scripts)
  await mkdir(destinations)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'slow', type: '.dump' }))
  await writeFile(
    join(scripts, 'backup'),
    `echo run >>"${folder}/runs"; echo begin; until [ -e "${folder}/go" ]; do sleep 0.1; done; echo end\n`,
  )
  const agent = await startAgentProcess({
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scripts,
    file_destination_root: destinations,
  })
  return { agent, destinations, release: () => writeFile(join(folder, 'go'), '') }
}

/** Starts a backup at the slow agent, and waits until its script runs. */
async function startSlowJob(manager: ManagerProcess, agent: AgentProcess, destinations: string): Promise<string> {
  const { client } = manager
  await registerInstance(client, 'slow', lab.postgresql, agent)
  const plan = await makePlan(client, 'slow', [item], places(destinations).file.destination)
  const { id } = await client.plans.run(plan.id)
  const state = async () => (await client.jobs.get(id)).parts[0]?.stage
  await expect.poll(state, { interval: 50 }).toBe('backup')
  return id
}

test('a manager that is killed while a job runs: the next one continues it, and the job runs once', async () => {
  await makePlaces()
  await using folder = await makeTemporaryFolder()
  const { agent, destinations, release } = await slowAgent(folder.path)
  const settings = { DATA_DIR: join(folder.path, 'manager'), FILE_DESTINATION_ROOT: destinations }
  const first = await startManagerProcess(settings)
  const id = await startSlowJob(first, agent, destinations)
  await first.kill()

  const second = await startManagerProcess(settings)
  await release()
  const job = await jobEnd(second.client, id)
  expect(errorsOf(job)).toEqual({ [item]: undefined })
  expect(job.state).toBe('succeeded')
  expect((await readFile(join(folder.path, 'runs'), 'utf8')).trim()).toBe('run')
  await second.stop()
  await agent.stop()
})

test('of two managers on one PostgreSQL, the surviving one takes over the job of the one that is killed', async () => {
  await using folder = await makeTemporaryFolder()
  const { agent, destinations, release } = await slowAgent(folder.path)
  await recreateDatabase(lab.postgresql.url, 'two_managers')
  const url = new URL(lab.postgresql.url)
  url.pathname = '/two_managers'
  const settings = {
    DATA_DIR: join(folder.path, 'manager'),
    DATABASE_URL: url.href,
    FILE_DESTINATION_ROOT: destinations,
  }
  const first = await startManagerProcess(settings)
  const id = await startSlowJob(first, agent, destinations)
  const second = await startManagerProcess(settings)
  await first.kill()
  await release()

  const job = await jobEnd(second.client, id)
  expect(errorsOf(job)).toEqual({ [item]: undefined })
  expect((await readFile(join(folder.path, 'runs'), 'utf8')).trim()).toBe('run')
  await second.stop()
  await agent.stop()
})

test('a manager that is stopped releases its job, and the next start records its end', async () => {
  await using folder = await makeTemporaryFolder()
  const { agent, destinations, release } = await slowAgent(folder.path)
  const settings = { DATA_DIR: join(folder.path, 'manager'), FILE_DESTINATION_ROOT: destinations }
  const first = await startManagerProcess(settings)
  const id = await startSlowJob(first, agent, destinations)
  await first.stop()
  await release()

  const second = await startManagerProcess(settings)
  expect((await jobEnd(second.client, id)).state).toBe('succeeded')
  expect((await readFile(join(folder.path, 'runs'), 'utf8')).trim()).toBe('run')
  await second.stop()
  await agent.stop()
})

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ManagerProcess, makeTemporaryFolder, startAgentProcess, startManagerProcess } from '@osb-backup/testkit'
import { expect, inject, test } from 'vitest'
import { recreateDatabase } from './databases.ts'
import { makePlaces, places } from './places.ts'
import { errorsOf, jobEnd, makePlan, registerInstance } from './world.ts'

const lab = inject('lab')
const item = 'slow'

/** An agent whose backup takes three seconds, and counts how often it ran. */
async function slowAgent(folder: string) {
  const scripts = join(folder, 'scripts')
  const destinations = join(folder, 'destinations')
  await mkdir(scripts)
  await mkdir(destinations)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'slow', type: '.dump' }))
  await writeFile(join(scripts, 'backup'), `echo run >>"${folder}/runs"; echo begin; sleep 3; echo end\n`)
  const agent = await startAgentProcess({
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scripts,
    file_destination_root: destinations,
  })
  return { agent, destinations }
}

async function untilRunning(manager: ManagerProcess, jobId: string): Promise<void> {
  const state = async () => (await manager.client.jobs.get(jobId)).agentExecutionReponses[item]?.state
  await expect.poll(state, { timeout: 20_000, interval: 50 }).toBe('backup')
}

test('a manager that is killed while a job runs: the next one goes on, and the job runs once', async () => {
  await makePlaces()
  await using folder = await makeTemporaryFolder()
  const { agent, destinations } = await slowAgent(folder.path)
  const settings = { DATA_DIR: join(folder.path, 'manager'), FILE_DESTINATION_ROOT: destinations }
  const first = await startManagerProcess(settings)
  await registerInstance(first.client, 'slow', lab.postgresql, agent)
  const plan = await makePlan(first.client, 'slow', [item], places(destinations).file.destination)
  const { id } = await first.client.jobs.startBackup(plan.id)
  await untilRunning(first, id)
  await first.kill()

  const second = await startManagerProcess(settings)
  const job = await jobEnd(second.client, id)
  expect(errorsOf(job)).toEqual({ [item]: null })
  expect(job.status).toBe('SUCCEEDED')
  expect((await readFile(join(folder.path, 'runs'), 'utf8')).trim()).toBe('run')
  await second.stop()
  await agent.stop()
})

test('of two managers on one PostgreSQL, the one that lives takes over the job of the one that is killed', async () => {
  await using folder = await makeTemporaryFolder()
  const { agent, destinations } = await slowAgent(folder.path)
  await recreateDatabase(lab.postgresql.url, 'two_managers')
  const url = new URL(lab.postgresql.url)
  url.pathname = '/two_managers'
  const settings = {
    DATA_DIR: join(folder.path, 'manager'),
    DATABASE_URL: url.href,
    FILE_DESTINATION_ROOT: destinations,
  }
  const first = await startManagerProcess(settings)
  await registerInstance(first.client, 'slow', lab.postgresql, agent)
  const plan = await makePlan(first.client, 'slow', [item], places(destinations).file.destination)
  const { id } = await first.client.jobs.startBackup(plan.id)
  await untilRunning(first, id)
  const second = await startManagerProcess(settings)
  await first.kill()

  const job = await jobEnd(second.client, id)
  expect(errorsOf(job)).toEqual({ [item]: null })
  expect((await readFile(join(folder.path, 'runs'), 'utf8')).trim()).toBe('run')
  await second.stop()
  await agent.stop()
})

test('a manager that is stopped lets go of its job, and the next start finds its end', async () => {
  await using folder = await makeTemporaryFolder()
  const { agent, destinations } = await slowAgent(folder.path)
  const settings = { DATA_DIR: join(folder.path, 'manager'), FILE_DESTINATION_ROOT: destinations }
  const first = await startManagerProcess(settings)
  await registerInstance(first.client, 'slow', lab.postgresql, agent)
  const plan = await makePlan(first.client, 'slow', [item], places(destinations).file.destination)
  const { id } = await first.client.jobs.startBackup(plan.id)
  await untilRunning(first, id)
  await first.stop()

  const second = await startManagerProcess(settings)
  expect((await jobEnd(second.client, id)).status).toBe('SUCCEEDED')
  expect((await readFile(join(folder.path, 'runs'), 'utf8')).trim()).toBe('run')
  await second.stop()
  await agent.stop()
})

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ManagerProcess, makeTemporaryFolder, startAgentProcess, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { dropDatabase, recreateDatabase } from './databases.ts'
import { errorsOf, jobEnd, makePlan, registerInstance, runBackup, startAgentWith } from './fixture.ts'
import { makePlaces, places } from './places.ts'

const server = inject('lab').postgresql
const item = 'failures'
let stack: AsyncDisposableStack
let manager: ManagerProcess
let agent: Awaited<ReturnType<typeof startAgentWith>>

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  await makePlaces()
  await recreateDatabase(server.url, item)
  stack.defer(() => dropDatabase(server.url, item))
  const data = stack.use(await makeTemporaryFolder())
  agent = stack.use(await startAgentWith('postgresql'))
  manager = await startManagerProcess({
    DATA_DIR: data.path,
    FILE_DESTINATION_ROOT: agent.folder,
    AGENT_UNREACHABLE_SECONDS: '2',
  })
  stack.defer(() => manager.stop())
})

afterAll(() => stack.disposeAsync())

// All instances are on one server: its only one may back up what it has not declared.
afterEach(async () => {
  const { client } = manager
  for (const { id } of (await client.plans.list()).items) await client.plans.delete(id)
  for (const { id } of (await client.instances.list()).items) await client.instances.delete(id)
})

/** A directory of an instance. */
async function filesOf(instance: string) {
  const directory = join(agent.folder, instance)
  await mkdir(directory)
  return places(directory).file.destination
}

const failedWith = async (job: Promise<import('@osb-backup/protocol/v1').Job>) => {
  const ended = await job
  expect(ended.state).toBe('failed')
  expect(ended.endedAt).toBeDefined()
  return errorsOf(ended)[item] ?? ''
}

test('a wrong database password: the error is the one of PostgreSQL, and the password is not in it', async () => {
  await registerInstance(manager.client, 'wrong-password', { ...server, password: 'guessed-4711' }, agent)
  const plan = await makePlan(manager.client, 'wrong-password', [item], await filesOf('wrong-password'))
  const error = await failedWith(runBackup(manager.client, plan))
  expect(error).toContain('password authentication failed for user "lab"')
  expect(error).not.toContain('guessed-4711')
})

test('a missing script: the error says which file to create and where', async () => {
  await using folder = await makeTemporaryFolder()
  const scripts = join(folder.path, 'scripts')
  await mkdir(scripts)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'empty', type: '.dump' }))
  await using other = await startAgentWith('postgresql', { scripts_path: scripts, file_destination_root: agent.folder })
  await registerInstance(manager.client, 'no-script', server, other)
  const plan = await makePlan(manager.client, 'no-script', [item], await filesOf('no-script'))
  const error = await failedWith(runBackup(manager.client, plan))
  expect(error).toContain(join(scripts, 'backup'))
})

test.for(['s3', 'swift', 'file'] as const)('a store that was deleted (%s): the error names it', async (place) => {
  const instance = `gone-${place}`
  await registerInstance(manager.client, instance, server, agent)
  const { destination } = places(join(agent.folder, 'gone'))[place]
  const { store } = destination
  const gone = {
    ...destination,
    store: {
      ...store,
      ...('bucket' in store ? { bucket: 'gone-bucket' } : {}),
      ...('container' in store ? { container: 'gone-container' } : {}),
    },
  }
  const plan = await makePlan(manager.client, instance, [item], gone)
  const error = await failedWith(runBackup(manager.client, plan))
  expect(error).toMatch(/gone-bucket|gone-container|\/gone/)
  await expect(manager.client.destinations.check(plan.destinationId)).rejects.toThrow(
    /gone-bucket|gone-container|\/gone/,
  )
})

test('wrong keys of the store: the error says that they are refused, without them', async () => {
  await registerInstance(manager.client, 'wrong-keys', server, agent)
  const { destination: right } = places(agent.folder).s3
  const destination = { ...right, store: { ...right.store, authSecret: 'guessed-secret-4711' } }
  const plan = await makePlan(manager.client, 'wrong-keys', [item], destination)
  const error = await failedWith(runBackup(manager.client, plan))
  expect(error).toContain('the secret does not belong to the access key')
  expect(error).not.toContain('guessed-secret-4711')
})

test('an agent that is down: FAILED after the limit, with what to check', async () => {
  const down = { url: 'http://127.0.0.1:9', username: 'agent', password: 'x' }
  await registerInstance(manager.client, 'agent-down', server, down)
  const plan = await makePlan(manager.client, 'agent-down', [item], await filesOf('agent-down'))
  const error = await failedWith(runBackup(manager.client, plan))
  expect(error).toMatch(/^The agent at http:\/\/127\.0\.0\.1:9 could not be reached for 2 seconds .*check that it runs/)
})

test('wrong credentials of the agent: FAILED at once, with what to correct', async () => {
  await registerInstance(manager.client, 'agent-refuses', server, { ...agent, password: 'guessed-4711' })
  const plan = await makePlan(manager.client, 'agent-refuses', [item], await filesOf('agent-refuses'))
  const error = await failedWith(runBackup(manager.client, plan))
  expect(error).toContain('correct username and password of the agent')
})

test('an agent that dies while it works: the job is unknown, keeps its database, and can be given up', async () => {
  await using folder = await makeTemporaryFolder()
  const scripts = join(folder.path, 'scripts')
  await mkdir(scripts)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'slow', type: '.dump' }))
  await writeFile(join(scripts, 'backup'), 'echo begun; sleep 60\n')
  const dying = await startAgentProcess({
    directory_backup: join(folder.path, 'backup'),
    directory_restore: join(folder.path, 'restore'),
    scripts_path: scripts,
    file_destination_root: agent.folder,
  })
  await registerInstance(manager.client, 'agent-dies', server, dying)
  const plan = await makePlan(manager.client, 'agent-dies', [item], await filesOf('agent-dies'))
  const { id } = await manager.client.plans.run(plan.id)
  await expect.poll(async () => (await manager.client.jobs.get(id)).parts[0]?.stage).toBe('backup')
  await dying.kill()
  await expect.poll(async () => (await manager.client.jobs.get(id)).state).toBe('unknown')
  await expect(manager.client.plans.run(plan.id)).rejects.toMatchObject({ status: 409, jobId: id })
  await manager.client.jobs.giveUp(id)
  expect(await failedWith(jobEnd(manager.client, id))).toMatch(/^Given up by .* continues to work on the database/)
})

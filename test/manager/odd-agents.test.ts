import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registerInstance } from '../fixtures/register-instance.ts'

/** What an agent that is not ours answers: to the start of a job, and to polls. */
interface OddAgent {
  start: { status: number; body?: unknown }
  look?: unknown
}

let stack: AsyncDisposableStack
let manager: ManagerProcess
let folder: string
let agent: OddAgent = { start: { status: 500 } }
let agentUrl: string

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  folder = stack.use(await makeTemporaryFolder()).path
  const server = createServer((request, response) => {
    const isStart = request.method === 'POST' || request.method === 'PUT'
    const { status, body } = isStart ? agent.start : { status: 200, body: agent.look }
    request.resume()
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(body === undefined ? '' : JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  agentUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  manager = await startManagerProcess({
    DATA_DIR: join(folder, 'manager'),
    FILE_DESTINATION_ROOT: folder,
    DELETION_GRACE_HOURS: '0',
    AGENT_BUSY_SECONDS: '1',
    AGENT_UNREACHABLE_SECONDS: '1',
  })
  stack.defer(() => manager.stop())
})

afterAll(() => stack.disposeAsync())

/** Runs a backup of "db" at an agent that answers so. The stored object may be put beforehand. */
async function backUp(odd: OddAgent, put?: { name: string; content: string }) {
  agent = odd
  const { client } = manager
  const instanceId = `i-${Math.random().toString(36).slice(2)}`
  // Each has a server and a directory of its own: nothing is shared with another instance.
  const hosts = [{ address: `${instanceId}.example`, port: 5432 }]
  await registerInstance(client, instanceId, { url: agentUrl, username: 'agent', password: 'agent-secret' }, { hosts })
  const directory = join(folder, instanceId)
  await mkdir(directory)
  const destination = await client.destinations.create({
    instanceId,
    name: 'f',
    store: { kind: 'file', directory },
  })
  const plan = await client.plans.create({
    instanceId,
    name: 'nightly',
    destinationId: destination.id,
    schedule: { cron: '0 0 2 * * *' },
    retention: { style: 'all' },
    items: ['db'],
  })
  const objects = join(directory, plan.id)
  if (put !== undefined) {
    await mkdir(objects)
    await writeFile(join(objects, put.name), put.content)
  }
  const started = await client.plans.run(plan.id)
  const job = await client.jobs.wait(started.id, { signal: AbortSignal.timeout(240_000), intervalMs: 50 })
  const [part] = job.parts
  const points = (await client.restorePoints.list({ job: job.id })).items
  return { job, state: job.state, error: part?.error, points, objects }
}

const succeeded = (fields: object) => ({
  start: { status: 201 },
  look: { status: 'SUCCEEDED', message: 'backup successfully carried out', state: 'finished', ...fields },
})
const file = (filename: string, size: number) => ({ filename, filesize: { size, unit: 'byte' } })

test('an agent of the old kind: its success counts once its file is found with the size it says', async () => {
  const { state, error, points } = await backUp(succeeded(file('dump.tar.gz', 5)), {
    name: 'dump.tar.gz',
    content: '12345',
  })
  expect({ state, error }).toEqual({ state: 'succeeded', error: undefined })
  expect(points).toMatchObject([{ objectName: expect.stringMatching(/\/dump\.tar\.gz$/), afterFailure: false }])
})

test.for([
  ['no file named', {}, /reports no stored file/],
  ['an empty file', file('dump.tar.gz', 0), /reports no stored file/],
  ['a file that is not there', file('gone.tar.gz', 5), /does not exist/],
  ['a file of another size', file('dump.tar.gz', 6), /has 5 bytes/],
  ['a path for a file name', file('../dump.tar.gz', 5), /invalid name or digest/],
  ['no digest for a digest', { ...file('dump.tar.gz', 5), sha256: 'zz' }, /invalid name or digest/],
  ['a size that is none', file('dump.tar.gz', 1.5), /reports no stored file/],
  ['a size beyond counting', file('dump.tar.gz', 1e300), /reports no stored file/],
  ['a digest that is no text', { ...file('dump.tar.gz', 5), sha256: 5 }, /invalid name or digest/],
  ['the storage left to scripts', { ...file('dump', 0), skip_storage: true }, /skip_storage/],
] as const)('a success with %s is a failure', async ([, fields, error]) => {
  const result = await backUp(succeeded(fields), { name: 'dump.tar.gz', content: '12345' })
  expect(result.state).toBe('failed')
  expect(result.error).toMatch(error)
  expect(result.points).toEqual([])
})

test('a success counts, whatever unimportant fields are', async () => {
  const odd = {
    filesize: { size: 5, unit: '' },
    compression: 'yes',
    execution_time_ms: '42',
    warnings: 7,
    progress: null,
  }
  const look = { ...file('dump.tar.gz', 5), ...odd, backup_log: { text: 'x' }, state: 3, message: ['m'] }
  const { state, error } = await backUp(succeeded(look), { name: 'dump.tar.gz', content: '12345' })
  expect({ state, error }).toEqual({ state: 'succeeded', error: undefined })
})

test('nothing is concluded from a status that is not known, and the job ends once another one is reported', async () => {
  const ended = backUp({ start: { status: 201 }, look: { status: 'Paused' } })
  const unknown = async () => (await manager.client.jobs.list({ state: 'unknown' })).items[0]?.parts[0]?.error
  await expect.poll(unknown).toMatch(/it reports the unknown status "Paused"/)
  agent.look = { status: 'FAILED', error_message: 'was paused for too long' }
  expect(await ended).toMatchObject({ state: 'failed', error: 'was paused for too long' })
})

test('output of scripts is kept even if PostgreSQL cannot store it unchanged; nulls count as absent', async () => {
  const { job, state, error } = await backUp({
    start: { status: 201 },
    look: { status: 'FAILED', error_message: 'a\0b \ud800', backup_log: '\0', filename: null, state: null },
  })
  expect({ state, error }).toEqual({ state: 'failed', error: 'a\uFFFDb \uFFFD' })
  const { items } = await manager.client.jobs.logs(job.id)
  expect(items).toEqual([{ item: 'db', stage: 'backup', stream: 'stdout', text: '\uFFFD' }])
})

test('an agent that is always busy fails the job in the end, with its message', async () => {
  const { state, error } = await backUp({
    start: {
      status: 429,
      body: { message: 'Failed to start a new job.', state: 'Job reservation', error_message: 'all places taken' },
    },
  })
  expect(state).toBe('failed')
  expect(error).toMatch(/was busy for 1 seconds: all places taken\.$/)
})

test('a dump that was stored before its part failed can be found, and removed', async () => {
  const look = { status: 'FAILED', error_message: 'post-backup-unlock failed', ...file('dump.tar.gz', 5) }
  const { state, points, objects } = await backUp(
    { start: { status: 201 }, look },
    { name: 'dump.tar.gz', content: '12345' },
  )
  expect(state).toBe('failed')
  expect(points).toMatchObject([{ objectName: expect.stringMatching(/\/dump\.tar\.gz$/), afterFailure: true }])
  await manager.client.restorePoints.delete(points[0]?.id ?? '')
  expect(await readdir(objects).catch(() => [])).toEqual([])
})

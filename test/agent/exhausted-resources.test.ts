import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { ofDatabase, until } from './agent-under-test.ts'
import { CrashingAgent, locking, requestFor, send } from './crashing-agent.ts'

const prepare = (settings: Record<string, string> = {}) => CrashingAgent.prepare(locking, settings)

/** A backup script that waits for the file `go`. */
const slow = 'echo some; while [ ! -e "$(dirname "$0")/../go" ]; do sleep 0.02; done\n'

test('with 64 descriptors and ten jobs no database stays locked, and what does not start says why', async () => {
  const agent = await prepare()
  await agent.start({}, ['prlimit', '--nofile=64'])
  const ids = Array.from({ length: 10 }, (_, index) => `job${index}`)
  const answers = await Promise.all(
    ids.map((id) => agent.call('POST', '/backup', ofDatabase(requestFor('backup', agent, id), id))),
  )
  const started = ids.filter((_, index) => answers[index]?.status === 201)
  expect(started.length).toBeGreaterThanOrEqual(1)
  for (const { status, json } of answers.filter((each) => each.status !== 201)) {
    expect([status, json]).toEqual([
      429,
      expect.objectContaining({ code: 'insufficient_resources', error_message: expect.stringContaining('EMFILE') }),
    ])
  }
  for (const id of started) await agent.over('backup', id)
  for (const id of ids) expect([id, await agent.has(`locked.${id}`)]).toEqual([id, false])
  await until(
    async () =>
      (await agent.call('POST', '/backup', ofDatabase(requestFor('backup', agent, 'later'), 'later'))).status === 201,
    'another job starts later',
  )
})

test('eight seconds without descriptors leave no database locked', async () => {
  const agent = await CrashingAgent.prepare({ ...locking, backup: slow }, { unlock_wait_seconds: '120' })
  await agent.start()
  const ids = Array.from({ length: 6 }, (_, index) => `job${index}`)
  for (const id of ids) {
    expect(await agent.call('POST', '/backup', ofDatabase(requestFor('backup', agent, id), id))).toMatchObject({
      status: 201,
    })
  }
  for (const id of ids) await until(() => agent.has(`locked.${id}`), 'it is locked')
  for (const id of ids) {
    await until(async () => (await agent.call('GET', `/backup/${id}`)).json.state === 'backup', 'the dump is written')
  }
  const limit = (nofile: string) => execFileSync('prlimit', ['--pid', String(agent.running.pid), `--nofile=${nofile}`])
  limit('3:')
  await writeFile(join(agent.root, 'go'), '')
  await sleep(8000)
  limit('4096:')
  for (const id of ids) await agent.over('backup', id)
  for (const id of ids) expect([id, await agent.has(`locked.${id}`)]).toEqual([id, false])
})

const isRoot = process.getuid?.() === 0

/** Mounts a small file system on a directory of the agent, until the end of the test. */
async function mountSmall(path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0711', 'none', path])
  onTestFinished(() => {
    spawnSync('umount', ['-l', path])
  })
}

/** Fills the disk of a directory to its last byte. */
async function fill(path: string): Promise<void> {
  for (const size of ['64k', '4k', '1'])
    spawnSync('dd', ['if=/dev/zero', `of=${join(path, `fill${size}`)}`, `bs=${size}`])
}

test.skipIf(!isRoot)('with a full state directory the agent starts and unlocks (as root alone)', async () => {
  const agent = await prepare()
  const state = join(agent.root, 'state')
  await mountSmall(state)
  await writeFile(join(agent.root, 'broken'), '')
  const settings = { state_directory: state, unlock_wait_seconds: '0' }
  await agent.start(settings)
  await send('backup', agent, 'x')
  await agent.over('backup', 'x')
  await agent.kill()
  await fill(state)
  await rm(join(agent.root, 'broken'))
  await agent.start(settings)
  await until(async () => !(await agent.has('locked.db1')), 'the database is unlocked')
  await until(async () => (await agent.call('GET', '/status')).json.locked_databases.length === 0, 'that is known')
  await agent.running.stop()
  await fill(state)
  await agent.start(settings)
  expect((await agent.call('GET', '/backup/x')).json.status).toBe('FAILED')
})

test.skipIf(!isRoot)('a disk that fills while a job runs does not keep it from its end (as root alone)', async () => {
  const agent = await CrashingAgent.prepare({ ...locking, backup: slow })
  const state = join(agent.root, 'state')
  await mountSmall(state)
  await agent.start({ state_directory: state })
  await send('backup', agent, 'x')
  const isRead = async () => Number((await agent.call('GET', '/backup/x')).json.progress?.bytes_read) > 0
  // Until then the agent writes to its journal, and would have to share the reserved space with what fills the disk.
  await until(isRead, 'the dump is read')
  await fill(state)
  const refused = await agent.call('POST', '/backup', ofDatabase(requestFor('backup', agent, 'y'), 'db2'))
  expect(refused).toMatchObject({ status: 429, json: { code: 'insufficient_resources' } })
  expect(refused.json.error_message).toContain('ENOSPC')
  expect(await agent.has('locked.db2')).toBe(false)
  await writeFile(join(agent.root, 'go'), '')
  expect(await agent.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED' })
  expect(await agent.has('locked.db1')).toBe(false)
  await agent.kill()
  await agent.start({ state_directory: state })
  expect((await agent.call('GET', '/backup/x')).json.status).toBe('SUCCEEDED')
  // Deletions and cancellations are accepted, and remembered: neither job starts any more.
  await fill(state)
  expect((await agent.call('DELETE', '/backup', { id: 'x' })).status).toBe(200)
  expect((await agent.call('DELETE', '/backup', { id: 'late', keep_result: true })).status).toBe(410)
  await agent.kill()
  await agent.start({ state_directory: state })
  expect((await agent.call('GET', '/backup/x')).status).toBe(404)
  for (const id of ['x', 'late']) {
    expect((await agent.call('POST', '/backup', requestFor('backup', agent, id))).status).toBe(410)
  }
})

test('a directory that cannot be used ends the start with one line', async () => {
  const agent = await prepare()
  const state = join(agent.root, 'state')
  await mkdir(join(state, 'agent.lock', 'in-the-way'), { recursive: true })
  const error = await agent.start({ state_directory: state }).then(
    () => 'it started',
    (cause: unknown) => String(cause),
  )
  expect(error).toContain('The agent cannot start: ')
  expect(error).not.toMatch(/\n\s+at /)
})

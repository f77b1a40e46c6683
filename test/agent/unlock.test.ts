import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { agentWith, backupBody, formTwo, ofDatabase, restoreBody, until } from './agent-under-test.ts'
import { CrashingAgent, password, requestFor, send } from './crashing-agent.ts'

const top = '$(dirname "$0")/..'

/** A lock that one script acquires and another releases, unless the file `broken` exists. */
const locking = formTwo({
  'pre-backup-lock': `touch "${top}/locked.$BACKUP_DATABASE"\n`,
  'post-backup-unlock': `echo "$BACKUP_PASSWORD" > "${top}/told"\n[ ! -e "${top}/broken" ] || exit 4\nrm -f "${top}/locked.$BACKUP_DATABASE"\n`,
})

const prepare = (settings: Record<string, string> = {}) => CrashingAgent.prepare(locking, settings)

test('an unlock that fails is retried until it succeeds, and the job is running until then, and failed', async () => {
  const agent = await prepare({ unlock_wait_seconds: '600' })
  await writeFile(join(agent.root, 'broken'), '')
  await agent.start()
  await send('backup', agent, 'x')
  await until(async () => (await agent.call('GET', '/backup/x')).json.unlock_attempts >= 2, 'it is retried')
  const { json } = await agent.call('GET', '/backup/x')
  expect(json).toMatchObject({
    status: 'RUNNING',
    state: 'post-backup-unlock',
    locked_since: expect.stringMatching(/^\d{4}-.*\+00:00$/),
    error_message: expect.stringMatching(/^UNLOCK FAILED, the database may still be locked: post-backup-unlock: /),
  })
  expect((await agent.call('GET', '/status')).json.locked_databases).toEqual([
    {
      kind: 'backup',
      id: 'x',
      host: 'db-host',
      database: 'db1',
      locked_since: json.locked_since,
      unlock_attempts: expect.any(Number),
    },
  ])
  await rm(join(agent.root, 'broken'))
  const job = await agent.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'post-backup-unlock' })
  expect(job.error_message).toMatch(/^post-backup-unlock: .*exited with status 4 \(attempt \d+ succeeded\)$/)
  expect(job).not.toHaveProperty('locked_since')
  expect(await agent.has('locked.db1')).toBe(false)
  expect((await agent.call('GET', '/status')).json.locked_databases).toEqual([])
  expect(await send('backup', agent, 'y')).toMatchObject({ status: 201 })
})

test('a job does not wait longer than set; its unlock is retried after its end and after restarts', async () => {
  const agent = await prepare({ unlock_wait_seconds: '0' })
  await writeFile(join(agent.root, 'broken'), '')
  await agent.start()
  await send('backup', agent, 'x')
  expect(await agent.over('backup', 'x')).toMatchObject({ status: 'FAILED', locked_since: expect.any(String) })
  expect(await send('backup', agent, 'y')).toMatchObject({
    status: 429,
    json: { code: 'database_busy', blocking_job: { kind: 'backup', id: 'x', locked_since: expect.any(String) } },
  })
  await agent.kill()
  await agent.start()
  await until(async () => (await agent.call('GET', '/status')).json.accepts_jobs, 'the agent has recovered')
  expect(await send('backup', agent, 'y')).toMatchObject({ status: 429, json: { code: 'database_busy' } })
  await agent.running.stop()
  await rm(join(agent.root, 'broken'))
  await rm(join(agent.root, 'told'))
  await agent.start()
  await until(async () => !(await agent.has('locked.db1')), 'the database is unlocked')
  expect(await agent.read('told')).toBe(`${password}\n`)
  await until(async () => (await agent.call('GET', '/backup/x')).json.locked_since === undefined, 'that is recorded')
  const [file = ''] = await agent.journalFiles()
  await until(async () => !(await agent.rewrite(file, (text) => text)).includes(password), 'the password is erased')
  expect(await send('backup', agent, 'y')).toMatchObject({ status: 201 })
})

test('an operator has the unlock retried at once, or marks the database as unlocked', async () => {
  const agent = await prepare({ unlock_wait_seconds: '600' })
  await writeFile(join(agent.root, 'broken'), '')
  await agent.start()
  await send('backup', agent, 'x')
  const attempts = async () => Number((await agent.call('GET', '/backup/x')).json.unlock_attempts ?? 0)
  // From here on the pauses are longer than this test.
  for (let round = 0; round < 6; round++) {
    await until(async () => (await agent.call('GET', '/backup/x')).json.next_retry_at !== undefined, 'it pauses')
    const before = await attempts()
    expect(await agent.call('POST', '/backup/x/retry-unlock')).toMatchObject({ status: 200 })
    await until(async () => (await attempts()) > before, 'it is retried')
  }
  expect(await agent.call('POST', '/backup/none/retry-unlock')).toMatchObject({ status: 404 })
  const marked = await agent.call('POST', '/backup/x/mark-unlocked')
  expect(marked).toMatchObject({ status: 200 })
  expect(marked.json).not.toHaveProperty('locked_since')
  const job = await agent.over('backup', 'x')
  expect(job.status).toBe('FAILED')
  expect(job.error_message).toMatch(/^unlock failed, and an operator marked the database as unlocked: /)
  for (const action of ['retry-unlock', 'mark-unlocked']) {
    expect(await agent.call('POST', `/backup/x/${action}`)).toMatchObject({ status: 409, json: { status: 'FAILED' } })
  }
  expect(await send('backup', agent, 'y')).toMatchObject({ status: 201 })
})

test('a script that is missing when it is needed does not count as a successful unlock or cleanup', async () => {
  const slow = `touch "${top}/dumping"; while [ ! -e "${top}/go" ]; do sleep 0.02; done\n`
  const cleanup = { backup: slow, 'backup-cleanup': `touch "${top}/cleaned"\n` }
  const agent = await CrashingAgent.prepare({ ...locking, ...cleanup }, { unlock_wait_seconds: '600' })
  const [scripts, elsewhere] = [join(agent.root, 'scripts'), join(agent.root, 'elsewhere')]
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('dumping'), 'the backup script runs')
  await agent.kill()
  await rename(scripts, elsewhere)
  await mkdir(scripts)
  await agent.start()
  const read = async () => (await agent.call('GET', '/backup/x')).json
  await until(async () => (await read()).unlock_attempts >= 2, 'the unlock is retried')
  expect(await read()).toMatchObject({ status: 'RUNNING', locked_since: expect.any(String) })
  // The cleanup is retried on its own: its first attempt may end later than the second one of the unlock.
  for (const stage of ['post-backup-unlock', 'backup-cleanup']) {
    const message = `${stage}: the script that this stage had when the job began is missing`
    await until(async () => (await read()).error_message.includes(message), `the failure of ${stage} is reported`)
  }
  await rm(scripts, { recursive: true })
  await rename(elsewhere, scripts)
  expect(await agent.over('backup', 'x')).toMatchObject({ status: 'FAILED' })
  expect([await agent.has('locked.db1'), await agent.has('cleaned')]).toEqual([false, true])
})

test('an operator who marks a database as unlocked ends no cleanup, and its unlock blocks other jobs until it ends', async () => {
  const under = await agentWith(
    formTwo({
      'backup-cleanup': `[ -e "${top}/repaired" ] && sleep 1\n`,
      'post-backup-unlock': `trap "" TERM; touch "${top}/unlocking"; while :; do sleep 0.1; done\n`,
    }),
    { stage_kill_grace_seconds: '5', stage_timeout_seconds: '2' },
  )
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'FAILED', locked_since: expect.any(String) })
  await rm(join(under.root, 'unlocking'))
  await under.call('POST', '/backup/x/retry-unlock')
  await until(() => stat(join(under.root, 'unlocking')).then(Boolean, () => false), 'an unlock hangs')
  expect(await under.call('POST', '/backup/x/mark-unlocked')).toMatchObject({ status: 200 })
  expect(await under.call('POST', '/backup', backupBody(under, 'y'))).toMatchObject({
    status: 429,
    json: { code: 'database_busy' },
  })
  await writeFile(join(under.root, 'repaired'), '')
  await until(
    async () =>
      /backup-cleanup: .*attempt \d+ succeeded/.test((await under.call('GET', '/backup/x')).json.error_message),
    'the cleanup has succeeded',
    60_000,
  )
  expect(await under.call('POST', '/backup', backupBody(under, 'y'))).toMatchObject({ status: 201 })
})

test('an operator ends an unlock that hangs, but not a job that still works', async () => {
  const under = await agentWith(
    formTwo({
      backup: `echo some; while [ ! -e "${top}/go" ]; do sleep 0.02; done\n`,
      'post-backup-unlock': 'sleep 1000\n',
    }),
  )
  await under.call('POST', '/backup', backupBody(under, 'x'))
  await until(async () => (await under.call('GET', '/backup/x')).json.state === 'backup', 'the dump is written')
  expect(await under.call('POST', '/backup/x/mark-unlocked')).toMatchObject({ status: 409 })
  await writeFile(join(under.root, 'go'), '')
  await until(async () => (await under.call('GET', '/backup/x')).json.state === 'post-backup-unlock', 'it unlocks')
  expect(await under.call('POST', '/backup/x/mark-unlocked')).toMatchObject({ status: 200 })
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'FAILED' })
})

test.each([1, 2])('an unlock script that is killed is run again (%i)', async () => {
  const kill = `[ -e "${top}/was" ] || { touch "${top}/was"; kill -9 $$; }\nrm "${top}/locked.$BACKUP_DATABASE"\n`
  const agent = await CrashingAgent.prepare({ ...locking, 'post-backup-unlock': kill })
  await agent.start()
  await send('backup', agent, 'x')
  const job = await agent.over('backup', 'x')
  expect(job.error_message).toMatch(/was killed by SIGKILL \(attempt 2 succeeded\)$/)
  expect(await agent.has('locked.db1')).toBe(false)
})

test('a cleanup that fails is retried, and does not keep the database from other jobs', async () => {
  const agent = await CrashingAgent.prepare(
    { ...locking, 'backup-cleanup': `[ ! -e "${top}/broken-cleanup" ]\n` },
    { unlock_wait_seconds: '0' },
  )
  await writeFile(join(agent.root, 'broken-cleanup'), '')
  await agent.start()
  await send('backup', agent, 'x')
  const job = await agent.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup-cleanup' })
  expect(job).not.toHaveProperty('locked_since')
  await rm(join(agent.root, 'broken-cleanup'))
  expect(await send('backup', agent, 'y')).toMatchObject({ status: 201 })
  await until(
    async () => /attempt \d+ succeeded/.test((await agent.call('GET', '/backup/x')).json.error_message),
    'the cleanup has succeeded',
  )
})

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
  const slow = `echo some; while [ ! -e "${top}/go" ]; do sleep 0.02; done\n`
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
  const slow = `echo some; while [ ! -e "${top}/go" ]; do sleep 0.02; done\n`
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

test('the unlock of a restore is retried too', async () => {
  const broken = `[ -e "${top}/was" ] || { touch "${top}/was"; exit 1; }\n`
  const under = await agentWith(formTwo({ 'post-restore-unlock': broken }), { unlock_wait_seconds: '60' })
  await under.call('POST', '/backup', backupBody(under, 'b'))
  const { filename = '' } = await under.over('backup', 'b')
  await under.call('PUT', '/restore', restoreBody(under, 'r', { filename }))
  const job = await under.over('restore', 'r')
  expect(job.error_message).toMatch(/^post-restore-unlock: .*status 1 \(attempt 2 succeeded\)$/)
  expect(await readFile(join(under.root, 'was'), 'utf8')).toBe('')
})

import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentWith, backupBody, formTwo, restoreBody, until } from './agent-under-test.ts'
import { CrashingAgent, locking, password, send } from './crashing-agent.ts'

const top = '$(dirname "$0")/..'

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

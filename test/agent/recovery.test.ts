import { spawn } from 'node:child_process'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startAgentProcess } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { until } from './agent-under-test.ts'
import { CrashingAgent, isAlive, scriptsOf, send, untilDead } from './crashing-agent.ts'

test('a process that has the number of an old script is not touched', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'pre-backup-check'))
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('held'), 'the script runs')
  await agent.kill()
  // A process with another start time and another environment: as if the script had exited and its number had been given
  // again.
  const other = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
  const [file = ''] = (await readdir(agent.state)).filter((name) => name.startsWith('backup-'))
  const record = JSON.parse(await readFile(join(agent.state, file), 'utf8'))
  expect(record.process.pid).toBe(Number(await agent.read('held')))
  record.process.pid = other.pid
  await writeFile(join(agent.state, file), JSON.stringify(record))
  await agent.start()
  await agent.over('backup', 'x')
  expect(await isAlive(record.process.pid)).toBe(true)
  process.kill(-record.process.pid, 'SIGKILL')
})

test('the rest of a script whose first process has died is terminated too', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'pre-backup-check'))
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('held'), 'the script runs')
  await agent.kill()
  const [script, child] = [Number(await agent.read('held')), Number(await agent.read('held.child'))]
  process.kill(script, 'SIGKILL')
  await untilDead([script])
  expect(await isAlive(child)).toBe(true)
  await agent.start()
  await agent.over('backup', 'x')
  await untilDead([child])
})

test('new jobs wait for the recovery, known jobs answer at once, and can be cancelled', async () => {
  const scripts = scriptsOf(2, 'pre-backup-check')
  scripts['post-backup-unlock'] = `sleep 2\n${scripts['post-backup-unlock']}`
  const agent = await CrashingAgent.prepare(scripts)
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('held'), 'the script runs')
  await agent.kill()
  await agent.start()
  expect(await agent.call('GET', '/backup/x')).toMatchObject({ status: 200, json: { status: 'RUNNING' } })
  expect((await agent.call('GET', '/status')).json).toMatchObject({ accepts_jobs: false, running_jobs: [{ id: 'x' }] })
  expect(await send('backup', agent, 'x')).toMatchObject({ status: 409 })
  expect(await send('backup', agent, 'y')).toMatchObject({ status: 503, json: { state: 'Job reservation' } })
  expect(await agent.call('DELETE', '/backup', { id: 'x' })).toMatchObject({ status: 200 })
  await until(async () => (await agent.call('GET', '/backup/x')).status === 404, 'the job is deleted')
  expect(await agent.count('end post-backup-unlock')).toBe(1)
  await until(async () => (await send('backup', agent, 'y')).status === 201, 'new jobs are accepted')
})

test('an agent whose settings are wrong unlocks first, and accepts new jobs when they are right', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'pre-backup-check'))
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('held'), 'the script runs')
  await agent.kill()
  await chmod(join(agent.root, 'restores'), 0o777)
  await agent.start()
  const problem = expect.stringContaining('directory_restore is not safe')
  expect((await agent.call('GET', '/status')).json).toMatchObject({ accepts_jobs: false, start_problem: problem })
  expect(await agent.over('backup', 'x')).toMatchObject({ status: 'FAILED' })
  expect(await agent.count('end post-backup-unlock')).toBe(1)
  await until(
    async () => (await agent.call('GET', '/status')).json.accepts_no_jobs_because === 'start_check_failed',
    'the recovery has ended',
  )
  expect(await send('backup', agent, 'y')).toMatchObject({
    status: 503,
    json: { code: 'start_check_failed', error_message: problem },
  })
  await chmod(join(agent.root, 'restores'), 0o700)
  await until(async () => (await send('backup', agent, 'y')).status === 201, 'new jobs are accepted')
  expect((await agent.call('GET', '/status')).json).not.toHaveProperty('start_problem')
})

test('an agent without its certificate unlocks before it gives up', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'pre-backup-check'))
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('held'), 'the script runs')
  await agent.kill()
  const missing = join(agent.root, 'missing.pem')
  const starting = agent.start({ tls_certificate_file: missing, tls_key_file: missing })
  await expect(starting).rejects.toThrow(/tls_certificate_file/)
  expect(await agent.count('end post-backup-unlock')).toBe(1)
})

test('a job that was deleted before a crash stays deleted', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'post-backup-unlock'))
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('held'), 'the script runs')
  expect(await agent.call('DELETE', '/backup', { id: 'x' })).toMatchObject({ status: 200 })
  await agent.kill()
  await writeFile(join(agent.root, 'release'), '')
  await agent.start()
  await until(async () => (await agent.call('GET', '/backup/x')).status === 404, 'the job is deleted')
  expect(await agent.count('end post-backup-unlock')).toBeGreaterThanOrEqual(1)
})

test('the state of an agent is readable by its user alone, and by one agent at a time', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'backup'))
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('held'), 'the script runs')
  expect((await stat(agent.state)).mode & 0o777).toBe(0o700)
  for (const name of await agent.journalFiles()) expect((await stat(join(agent.state, name))).mode & 0o777).toBe(0o600)
  expect(await send('backup', agent, '.state')).toMatchObject({ status: 400 })
  const second = startAgentProcess({
    directory_backup: join(agent.root, 'backups'),
    directory_restore: join(agent.root, 'restores'),
    scripts_path: join(agent.root, 'scripts'),
  })
  await expect(second).rejects.toThrow(/state_directory is in use by another agent, process \d+: stop it first/)
  expect(await isAlive(Number(await agent.read('held')))).toBe(true)
})

test('a damaged file of the journal is reported and affects no other job', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'none'))
  await agent.start()
  await send('backup', agent, 'x')
  const job = await agent.over('backup', 'x')
  await agent.running.stop()
  const wrong = `backup-${'0'.repeat(64)}.json`
  await writeFile(join(agent.state, wrong), '{"version":1,"request":{"database":{"password":"secret-in-a-wreck"')
  await writeFile(join(agent.state, '.tmp-left'), 'half')
  await agent.start()
  expect(await agent.call('GET', '/backup/x')).toMatchObject({ status: 200, json: job })
  expect(agent.running.output()).toContain('JOB NOT RECOVERED')
  expect(agent.running.output()).not.toContain('secret-in-a-wreck')
  expect(await readdir(agent.state)).not.toContain('.tmp-left')
})

test('a step that cannot be recorded does not start, but a locked database is unlocked', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'pre-backup-lock'))
  await agent.start()
  await send('backup', agent, 'x')
  await until(() => agent.has('held'), 'the lock script runs')
  await rm(agent.state, { recursive: true })
  await writeFile(join(agent.root, 'release'), '')
  const job = await agent.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
  expect(job.error_message).toMatch(/^pre-backup-check: the state of the job cannot be saved: ENOENT/)
  expect(await agent.count('begin pre-backup-check')).toBe(0)
  expect(await agent.count('end post-backup-unlock')).toBe(1)
  expect(await send('backup', agent, 'y')).toMatchObject({ status: 500, json: { state: 'Journal' } })
  expect(await agent.call('GET', '/backup/y')).toMatchObject({ status: 404 })
})

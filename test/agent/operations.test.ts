import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import {
  agentWith,
  backupBody,
  basic,
  credentials,
  formOne,
  formTwo,
  ofDatabase,
  restoreBody,
  stagesRun,
  until,
} from './agent-under-test.ts'
import { CrashingAgent, requestFor, send } from './crashing-agent.ts'

const run = promisify(execFile)
const authorization = basic(credentials.username, credentials.password)

test('an agent that shuts down accepts no new jobs, and waits for the running ones', async () => {
  const under = await agentWith(formTwo({ backup: 'sleep 1; echo dump\n' }), { shutdown_grace_seconds: '20' })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  await until(async () => (await stagesRun(under)).includes('backup'), 'the script runs')
  const stopped = under.agent.stop()
  const answer = await fetch(`${under.agent.url}/backup`, {
    method: 'POST',
    headers: { authorization },
    body: JSON.stringify(backupBody(under, 'y')),
  })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30'])
  expect(await answer.json()).toEqual({
    message: 'Failed to start a new job.',
    state: 'Job reservation',
    code: 'stopping',
    error_message: 'The agent is stopping and starts no new jobs.',
  })
  expect(await under.call('POST', '/backup', { id: 'x' })).toMatchObject({ status: 409 })
  expect(await under.call('GET', '/backup/x')).toMatchObject({ status: 200, json: { status: 'RUNNING' } })
  await stopped
  expect(await under.objects()).toHaveLength(1)
  expect(await stagesRun(under)).toEqual(['pre-backup-lock', 'backup', 'backup-cleanup', 'post-backup-unlock'])
})

test('an agent that shuts down while jobs start waits for every accepted job', async () => {
  for (let afterMs = 0; afterMs < 20; afterMs += 2) {
    const under = await agentWith(formTwo({ backup: 'sleep 0.2; echo dump\n' }), { max_job_number: '20' })
    const ids = Array.from({ length: 10 }, (_, index) => `job${index}`)
    const posts = ids.map((id) =>
      under.call('POST', '/backup', ofDatabase(backupBody(under, id), id)).catch(() => undefined),
    )
    await sleep(afterMs)
    await under.agent.stop()
    await Promise.all(posts)
    const files = (await readdir(join(under.root, 'state'))).filter((name) => name.startsWith('backup-'))
    const kept = await Promise.all(files.map((name) => under.read(`state/${name}`)))
    expect(kept.filter((text) => JSON.parse(text).status === 'RUNNING')).toEqual([])
  }
})

test('jobs that exceed the grace period are cancelled, unlocked, and remain failed', async () => {
  const agent = await CrashingAgent.prepare(formTwo({ backup: 'echo some; sleep 100\n' }), {
    shutdown_grace_seconds: '1',
  })
  await agent.start()
  await send('backup', agent, 'x')
  await until(async () => /^backup /m.test(await agent.read('stages')), 'the script runs')
  await agent.running.stop()
  expect(
    (await agent.read('stages'))
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual(['pre-backup-lock', 'backup', 'backup-cleanup', 'post-backup-unlock'])
  await agent.start()
  const job = await agent.over('backup', 'x')
  expect(job.error_message).toMatch(/^backup: .* was stopped because the job was cancelled/)
  expect(job.failure_code).toBe('agent-restarted')
  expect(await agent.files('bucket')).toEqual([])
})

test('finished jobs expire by number and by age, with their directories', async () => {
  const agent = await CrashingAgent.prepare(
    formOne({ 'backup-cleanup': '', 'restore-cleanup': 'touch "$BACKUP_DIRECTORY/left"\n' }),
  )
  await agent.start()
  for (const id of ['first', 'second', 'third']) {
    await send('backup', agent, id)
    await agent.over('backup', id)
  }
  await mkdir(join(agent.bucket, 'plan'), { recursive: true })
  await writeFile(join(agent.bucket, 'plan', 'dump.bin'), 'dump')
  await agent.call('PUT', '/restore', requestFor('restore', agent, 'fourth'))
  await agent.over('restore', 'fourth')
  const directories = async () => ({
    backups: (await readdir(join(agent.root, 'backups'))).filter((name) => name !== '.state').toSorted(),
    restores: await readdir(join(agent.root, 'restores')),
  })
  expect(await directories()).toEqual({ backups: ['first', 'second', 'third'], restores: ['fourth'] })

  await agent.running.stop()
  await agent.start({ job_retention_number: '3' })
  await until(async () => (await agent.call('GET', '/backup/first')).status === 404, 'the oldest is deleted')
  expect(await directories()).toEqual({ backups: ['second', 'third'], restores: ['fourth'] })
  expect(await agent.call('GET', '/backup/third')).toMatchObject({ status: 200, json: { status: 'SUCCEEDED' } })

  await agent.running.stop()
  const old = new Date(Date.now() - 49 * 3_600_000).toISOString()
  for (const name of (await agent.journalFiles()).filter((each) => each.startsWith('backup-'))) {
    await agent.rewrite(name, (text) => text.replace(/"endedAt":"[^"]+"/g, `"endedAt":"${old}"`))
  }
  await agent.start({ job_retention_hours: '48' })
  await until(async () => (await agent.call('GET', '/backup/third')).status === 404, 'the old ones are deleted')
  expect(await directories()).toEqual({ backups: [], restores: ['fourth'] })
  expect(await agent.journalFiles()).toHaveLength(1)
})

test('the status shows the version, the scripts, running jobs and free space', async () => {
  const under = await agentWith(formTwo({ backup: 'sleep 100\n' }), { max_job_number: '7' })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  await until(async () => (await stagesRun(under)).includes('backup'), 'the script runs')
  expect((await under.call('GET', '/status')).json).toEqual({
    message: 'Client is running',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    scripts: { form: 2, name: 'test', type: '.dump' },
    packs: [
      expect.objectContaining({ form: 2, name: 'test', type: '.dump', stages: expect.arrayContaining(['backup']) }),
    ],
    capabilities: expect.arrayContaining(['cancel', 'metrics', 'stream', 'encryption.age']),
    accepts_jobs: true,
    running_jobs: [{ kind: 'backup', id: 'x', state: 'backup', start_time: expect.stringMatching(/\+00:00$/) }],
    locked_databases: [
      {
        kind: 'backup',
        id: 'x',
        host: 'db-host',
        database: 'db1',
        locked_since: expect.stringMatching(/\+00:00$/),
        unlock_attempts: 0,
      },
    ],
    max_job_number: 7,
    reserved_restore_number: 5,
    time: expect.stringMatching(/Z$/),
    free_disk_bytes: { directory_backup: expect.any(Number), directory_restore: expect.any(Number) },
    disk_size_bytes: { directory_backup: expect.any(Number), directory_restore: expect.any(Number) },
  })
})

test('metrics require the credentials', async () => {
  const under = await agentWith(formTwo({ 'post-restore-unlock': 'exit 1\n' }))
  expect(await under.call('GET', '/metrics', undefined, { authorization: '' })).toMatchObject({ status: 401 })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const { filename = '', filesize } = await under.over('backup', 'x')
  await under.call('PUT', '/restore', restoreBody(under, 'x', { filename }))
  await under.over('restore', 'x')
  const answer = await fetch(`${under.agent.url}/metrics`, { headers: { authorization } })
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const lines = (await answer.text()).split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      'osb_agent_jobs_total{kind="backup",status="SUCCEEDED"} 1',
      'osb_agent_jobs_total{kind="restore",status="FAILED"} 1',
      'osb_agent_pending_unlocks 1',
      `osb_agent_stored_bytes_total{kind="backup"} ${filesize?.size}`,
      'osb_agent_jobs_running{kind="backup"} 0',
      'osb_agent_jobs_limit 10',
      'osb_agent_job_duration_seconds_count{kind="backup",status="SUCCEEDED"} 1',
    ]),
  )
  expect(lines.some((line) => /^osb_agent_step_failures_total\{step="post-restore-unlock"\} [1-9]/.test(line))).toBe(
    true,
  )
  expect(lines.some((line) => /^osb_agent_free_disk_bytes\{directory="directory_backup"\} \d+/.test(line))).toBe(true)
})

test('a job that stages a file does not start without the required free space', async () => {
  const under = await agentWith(formOne(), { min_free_disk_mib: '900000000' })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({
    status: 'FAILED',
    error_message: expect.stringMatching(/^not enough disk space: \d+ MiB are free/),
  })
  expect(await stagesRun(under)).toEqual([])
  const streaming = await agentWith(formTwo(), { min_free_disk_mib: '900000000' })
  await streaming.call('POST', '/backup', backupBody(streaming, 'x'))
  expect(await streaming.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED' })
})

test('a restore whose file is larger than the free space does not start', async () => {
  const under = await agentWith(formOne())
  const body = restoreBody(under, 'x', { filename: 'f', size: Number.MAX_SAFE_INTEGER })
  await under.call('PUT', '/restore', body)
  expect((await under.over('restore', 'x')).error_message).toMatch(/^not enough disk space/)
  expect(await stagesRun(under)).toEqual([])
})

/** A file system of a few megabytes; undefined where we may not mount one. */
async function smallDisk(): Promise<string | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'agent-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0711', 'tmpfs', path])
  } catch {
    await rm(path, { recursive: true })
    return undefined
  }
  onTestFinished(async () => {
    await run('umount', ['-l', path])
    await rm(path, { recursive: true })
  })
  return path
}

test('a disk that runs full fails the job and nothing else', async (context) => {
  const disk = await smallDisk()
  if (disk === undefined) return context.skip('needs the right to mount a small disk')
  const places = {
    directory_backup: join(disk, 'backups'),
    directory_restore: join(disk, 'restores'),
    state_directory: join(disk, 'backups/.state'),
  }
  const under = await agentWith(
    formOne({ backup: 'head -c 20000000 /dev/zero > "$BACKUP_DIRECTORY/$5.bin" || exit 5\n' }),
    places,
  )
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup' })
  expect(job.error_message).toContain('No space left on device')
  expect((await stagesRun(under)).slice(-2)).toEqual(['backup-cleanup', 'post-backup-unlock'])
  await mkdir(join(under.bucket, 'plan'))
  await writeFile(join(under.bucket, 'plan', 'large.bin'), Buffer.alloc(20_000_000))
  await under.call('PUT', '/restore', restoreBody(under, 'y', { filename: 'large.bin' }))
  const restore = await under.over('restore', 'y')
  expect(restore).toMatchObject({ status: 'FAILED', failed_stage: 'download' })
  expect(restore.error_message).toContain('ENOSPC')
  expect((await stagesRun(under)).slice(-2)).toEqual(['pre-restore-lock', 'post-restore-unlock'])
  expect(await readdir(places.directory_restore)).toEqual([])
})

test('without credentials any caller is accepted, if a setting allows it', async () => {
  const open = { client_username: '', client_password: '' }
  await expect(agentWith(formTwo(), open)).rejects.toThrow(/^client_username must be set/)
  const under = await agentWith(formTwo(), { ...open, allow_without_credentials: 'true' })
  expect(await under.call('GET', '/status', undefined, { authorization: '' })).toMatchObject({ status: 200 })
})

test('a request may ask for a shorter time limit of its stages, not for a longer one', async () => {
  const under = await agentWith(formTwo({ 'pre-backup-lock': 'sleep 30\n' }), { stage_timeout_seconds: '2' })
  for (const [id, seconds, limit] of [
    ['short', 1, 1],
    ['long', 1000, 2],
  ] as const) {
    await under.call('POST', '/backup', backupBody(under, id, { stage_timeout_seconds: seconds }))
    expect((await under.over('backup', id)).error_message).toContain(`time limit of ${limit} s`)
  }
  for (const stage_timeout_seconds of [0, 1.5, -1, '10']) {
    expect(await under.call('POST', '/backup', backupBody(under, 'z', { stage_timeout_seconds }))).toMatchObject({
      status: 400,
    })
  }
})

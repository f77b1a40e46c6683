import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentWith, backupBody, formOne, formTwo, restoreBody, stagesRun, today, until } from './agent-under-test.ts'

const isAlive = (pid: number) =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (stat) => !/\) Z /.test(stat),
    () => false,
  )

const backupTable = [
  ['pre-backup-lock', ['pre-backup-lock', 'post-backup-unlock']],
  ['pre-backup-check', ['pre-backup-lock', 'pre-backup-check', 'post-backup-unlock']],
  ['backup', ['pre-backup-lock', 'pre-backup-check', 'backup', 'backup-cleanup', 'post-backup-unlock']],
  ['backup-cleanup', ['pre-backup-lock', 'pre-backup-check', 'backup', 'backup-cleanup', 'post-backup-unlock']],
  ['post-backup-unlock', ['pre-backup-lock', 'pre-backup-check', 'backup', 'backup-cleanup', 'post-backup-unlock']],
] as const

test.each(backupTable)('a backup whose %s fails runs its always-run steps, and fails', async (stage, ran) => {
  const under = await agentWith(formOne({ [stage]: 'echo "out of luck" >&2; exit 7\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', message: 'backup failed', state: 'finished', failed_stage: stage })
  expect(job.error_message).toContain(`${stage} exited with status 7: out of luck`)
  expect(job[`${stage.replaceAll('-', '_')}_errorlog`]).toBe('out of luck\n')
  expect(await stagesRun(under)).toEqual(ran)
})

const restoreTable = [
  ['pre-restore-lock', ['pre-restore-lock', 'post-restore-unlock']],
  ['restore', ['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock']],
  ['restore-cleanup', ['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock']],
  ['post-restore-unlock', ['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock']],
] as const

test.each(
  restoreTable.flatMap(
    ([stage, ran]) =>
      [
        [1, stage, ran],
        [2, stage, ran],
      ] as const,
  ),
)('form %i: a restore whose %s fails runs its always-run steps, and fails', async (form, stage, ran) => {
  const scripts = form === 1 ? formOne : formTwo
  const under = await agentWith(scripts({ [stage]: 'cat > /dev/null; kill -9 $$\n' }))
  await under.call('POST', '/backup', backupBody(under, 'b'))
  const { filename = '' } = await under.over('backup', 'b')
  const before = (await stagesRun(under)).length
  await under.call('PUT', '/restore', restoreBody(under, 'x', { filename }))
  const job = await under.over('restore', 'x')
  expect(job).toMatchObject({ status: 'FAILED', message: 'restore failed', failed_stage: stage })
  expect(job.error_message).toContain(`${stage} was killed by SIGKILL`)
  expect((await stagesRun(under)).slice(before)).toEqual(ran)
})

test('a failed unlock is reported prominently and does not hide the first failure', async () => {
  const under = await agentWith(formOne({ backup: 'exit 3\n', 'post-backup-unlock': 'exit 4\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job.failed_stage).toBe('backup')
  expect(job.error_message).toMatch(/^backup: .*status 3\nThen: UNLOCK FAILED, .*post-backup-unlock: .*status 4$/)
})

test('a store that cannot be reached fails the job, which still cleans up and unlocks', async () => {
  const destination = {
    type: 'S3',
    endpoint: 'http://127.0.0.1:1',
    bucket: 'b',
    authKey: 'key-id-1',
    authSecret: 'secret-key-1',
    filenamePrefix: 'p/',
  }
  const under = await agentWith(formOne(), { stage_timeout_seconds: '2' })
  await under.call('POST', '/backup', backupBody(under, 'x', { destination }))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'upload' })
  expect(job.error_message).toContain('the upload to s3://b')
  expect((await stagesRun(under)).slice(-2)).toEqual(['backup-cleanup', 'post-backup-unlock'])
})

test('a stage that exceeds its time limit is killed with all its processes', async () => {
  const script = 'sleep 100 & echo $! > "$(dirname "$0")/../pid"; trap "" TERM; sleep 100\n'
  const under = await agentWith(formOne({ 'pre-backup-check': script }), {
    stage_timeout_seconds: '1',
    stage_kill_grace_seconds: '1',
  })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
  expect(job.error_message).toContain('exceeded its time limit of 1 s')
  expect(await isAlive(Number(await under.read('pid')))).toBe(false)
  expect((await stagesRun(under)).at(-1)).toBe('post-backup-unlock')
})

test('a background process that holds the output does not hold the stage, and is killed', async () => {
  const under = await agentWith(
    formOne({ 'pre-backup-lock': 'sleep 100 &\necho $! > "$(dirname "$0")/../pid"\necho locked\n' }),
  )
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED', pre_backup_lock_log: 'locked\n' })
  expect(await isAlive(Number(await under.read('pid')))).toBe(false)
})

test('a background process with an output of its own lives on: it may hold the lock', async () => {
  const lock = 'sleep 100 > /dev/null 2>&1 &\necho $! > "$(dirname "$0")/../pid"\n'
  const check = 'grep ") [SR] " "/proc/$(cat "$(dirname "$0")/../pid")/stat"\n'
  const unlock = 'kill "$(cat "$(dirname "$0")/../pid")"\n'
  const under = await agentWith(
    formOne({ 'pre-backup-lock': lock, 'pre-backup-check': check, 'post-backup-unlock': unlock }),
  )
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED' })
})

test('deleting a running job stops its script, cleans up, unlocks, and only then frees the id', async () => {
  const under = await agentWith(
    formOne({
      backup: 'echo $$ > "$(dirname "$0")/../pid"; sleep 100\n',
      'post-backup-unlock': 'sleep 0.5; touch "$(dirname "$0")/../unlocked"\n',
    }),
  )
  await under.call('POST', '/backup', backupBody(under, 'x'))
  await until(
    () =>
      access(join(under.root, 'pid')).then(
        () => true,
        () => false,
      ),
    'the script runs',
  )
  expect(await under.call('DELETE', '/backup', { id: 'x' })).toMatchObject({ status: 200, text: '' })
  expect(await under.call('GET', '/backup/x')).toMatchObject({ status: 200, json: { status: 'RUNNING' } })
  expect(await under.call('POST', '/backup', backupBody(under, 'x'))).toMatchObject({ status: 409 })
  await until(async () => (await under.call('GET', '/backup/x')).status === 404, 'the job is deleted')
  await access(join(under.root, 'unlocked'))
  expect(await isAlive(Number(await under.read('pid')))).toBe(false)
  expect(await stagesRun(under)).toEqual([
    'pre-backup-lock',
    'pre-backup-check',
    'backup',
    'backup-cleanup',
    'post-backup-unlock',
  ])
  expect(await under.objects()).toEqual([])
})

test('deleting right after posting is safe, again and again', async () => {
  const under = await agentWith(formTwo())
  for (let round = 0; round < 20; round++) {
    const id = `x${round}`
    const [posted] = await Promise.all([
      under.call('POST', '/backup', backupBody(under, id)),
      under.call('DELETE', '/backup', { id }),
    ])
    // 410: the deletion came first, and a job that was deleted does not start.
    expect([201, 410]).toContain(posted.status)
    await under.call('DELETE', '/backup', { id })
    await until(async () => (await under.call('GET', `/backup/${id}`)).status === 404, 'the job is deleted')
  }
  const ran = await stagesRun(under)
  const count = (stage: string) => ran.filter((each) => each === stage).length
  // A lock script that was stopped before its first line did not note itself; its unlock ran.
  expect(count('post-backup-unlock')).toBeGreaterThanOrEqual(count('pre-backup-lock'))
})

test('a deleted job whose unlock fails stays until an operator has unlocked the database', async () => {
  const under = await agentWith(formOne({ backup: 'sleep 100\n', 'post-backup-unlock': 'exit 9\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  await until(async () => (await stagesRun(under)).includes('backup'), 'the script runs')
  await under.call('DELETE', '/backup', { id: 'x' })
  expect((await under.over('backup', 'x')).error_message).toContain('UNLOCK FAILED')
  expect(await under.call('DELETE', '/backup', { id: 'x' })).toMatchObject({ status: 200 })
  expect(await under.call('GET', '/backup/x')).toMatchObject({ status: 200, json: { status: 'FAILED' } })
  expect(await under.call('POST', '/backup/x/mark-unlocked')).toMatchObject({ status: 200 })
  await until(async () => (await under.call('GET', '/backup/x')).status === 404, 'the job is deleted')
})

test('stopping the agent cancels running jobs and unlocks', async () => {
  const under = await agentWith(formTwo({ backup: 'echo some; sleep 100\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  await until(async () => (await stagesRun(under)).includes('backup'), 'the script runs')
  await under.agent.stop()
  expect((await stagesRun(under)).slice(-2)).toEqual(['backup-cleanup', 'post-backup-unlock'])
  expect(await under.objects()).toEqual([])
  await expect(under.call('GET', '/status')).rejects.toThrow()
})

test('secrets do not show in logs or messages, whatever the scripts print', async () => {
  const noisy = 'set -x\n: "$1" "$2" "$3" "$8" "$api_token"\necho "$BACKUP_PASSWORD" >&2\nexit 1\n'
  const under = await agentWith(formOne({ backup: noisy }))
  const secrets = ["it's a $ecret", 'backup-pw-77', 'symmetric key 42', 'token-1234567']
  const [password = '', backupPassword = '', encryption_key = '', api_token = ''] = secrets
  const body = backupBody(under, 'x', { encryption_key })
  const backup = { ...body.backup, password, backupPassword, parameters: [{ api_token }] }
  await under.call('POST', '/backup', { ...body, backup })
  const job = await under.over('backup', 'x')
  expect(job.status).toBe('FAILED')
  expect(job.backup_errorlog).toContain('db-host')
  expect(job.backup_errorlog).toContain('***')
  const shown = JSON.stringify(job)
  for (const secret of [...secrets, "it'\\\\''s a $ecret"]) expect(shown).not.toContain(secret)
})

test('long logs keep their head and their tail', async () => {
  const under = await agentWith(formOne({ 'pre-backup-check': 'echo first; seq 1 200000; echo last\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job.status).toBe('SUCCEEDED')
  const log = String(job.pre_backup_check_log)
  expect(log.length).toBeLessThan(70_000)
  expect(log).toMatch(/^first\n1\n/)
  expect(log).toMatch(/\[… \d+ characters cut …\]/)
  expect(log).toMatch(/\n200000\nlast\n$/)
  expect(job.filename).toBe(`db-host_${today()}_db1.tar.gz`)
})

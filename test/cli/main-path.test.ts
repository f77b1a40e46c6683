import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TEST_TOKEN } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { type Cli, inProcessCliOf } from '../fixtures/cli.ts'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

const scripts = {
  backup: 'echo "the content of $BACKUP_DATABASE"',
  restore: 'cat > "$BACKUP_PARAMETER_TARGET.$BACKUP_DATABASE"',
}

async function prepare(): Promise<{ fixture: Fixture; cli: Cli; home: string }> {
  const root = tmpdir()
  const fixture = await startFixture(scripts, { FILE_DESTINATION_ROOT: root }, { file_destination_root: root })
  const home = join(fixture.folder, 'home')
  await mkdir(home)
  return { fixture, home, cli: inProcessCliOf(home, {}) }
}

test('from nothing to a backup and a restore, with nothing but commands', async () => {
  const { fixture, cli, home } = await prepare()
  await using _ = fixture
  const { manager, agent, folder } = fixture
  // The other directory belongs to the instance of the fixture.
  const store = join(folder, 'shop')
  await mkdir(store)
  const nothing = await cli(['status'])
  expect(nothing).toMatchObject({ code: 2, stdout: '' })
  expect(nothing.stderr).toContain('osb-backup login')

  const signedIn = await cli(['login', manager.url, '--name', 'test', '--token-file', '-'], {
    input: `${TEST_TOKEN}\n`,
  })
  expect(signedIn).toMatchObject({ code: 0, stdout: '' })
  expect(signedIn.stderr).not.toContain(TEST_TOKEN)
  const config = join(home, '.config/osb-backup/config.yaml')
  expect((await stat(config)).mode & 0o777).toBe(0o600)

  const password = join(folder, 'password.txt')
  await writeFile(password, `${agent.password}\n`)
  const run = async (...args: string[]) => {
    const result = await cli(args)
    expect(result, `${args.join(' ')}\n${result.stderr}`).toMatchObject({ code: 0 })
    return result.stdout
  }
  await run('agent', 'create', agent.url, '--name', 'db-1', '--username', agent.username, '--password-file', password)
  await run('agent', 'check', 'db-1')
  await run('destination', 'delete', 'files', '--yes')
  await run('instance', 'delete', 'i', '--yes')
  await run(
    'instance',
    'create',
    'shop-db',
    '--host',
    '127.0.0.1',
    '--agent',
    'db-1',
    '--username',
    'backup',
    '--password-file',
    password,
  )
  const destination = ['destination', 'create', '--instance', 'shop-db', '--name', 'local', '--kind', 'file']
  await run(...destination, '--directory', store)
  const plan = [
    'plan',
    'create',
    '--instance',
    'shop-db',
    '--name',
    'nightly',
    '--destination',
    'local',
    '--keep',
    '14d',
  ]
  await run(...plan, '--item', 'shop,users', '--cron', '0 2 * * *')
  expect(await run('backup', 'shop-db', '--wait')).toMatch(
    /^The backup job \S+ has succeeded.*\n {2}shop: succeeded.*\n {2}users: succeeded/,
  )
  expect(await run('instance', 'items', 'shop-db', '-o', 'name')).toBe('shop\nusers\n')
  const points = JSON.parse(await run('restore-point', 'list', '--item', 'users', '-o', 'json'))
  expect(points).toMatchObject([{ item: 'users', instanceId: 'shop-db' }])
  const target = join(folder, 'restored')
  const unasked = await cli(['restore', 'shop-db', 'users', '--wait'])
  expect(unasked).toMatchObject({ code: 2, stdout: '' })
  expect(unasked.stderr).toContain('--yes')
  const restored = await run(
    'restore',
    'shop-db',
    'users',
    '--as',
    'copy',
    '--parameter',
    `target=${target}`,
    '--wait',
    '--yes',
  )
  expect(restored).toMatch(/^The restore job \S+ has succeeded.*\n {2}users → copy: succeeded/)
  expect(await readFile(`${target}.copy`, 'utf8')).toBe('the content of users\n')
  expect(await run('status')).toMatch(/Instances {7}1: 1 protected/)
  expect(await run('status', '--check')).toBeTruthy()
  expect(await run('status', '--nagios')).toMatch(/^OSB-BACKUP OK - 1 of 1 instances protected.* \| protected=1 /)
})

test('the exit code is the result of the job, and a job that is waited for outlives the command', async () => {
  const fixture = await startFixture({
    backup: '[ "$BACKUP_DATABASE" != bad ] || { echo "no space" >&2; exit 3; }\necho "$BACKUP_DATABASE"',
    'pre-backup-check': 'while [ -e "$BACKUP_PARAMETER_HOLD" ]; do sleep 0.1; done',
  })
  await using _ = fixture
  const { manager, folder, client } = fixture
  const cli = inProcessCliOf(folder, { OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN })
  const hold = join(folder, 'hold')
  await client.instances.update('i', { parameters: { hold } })
  await fixture.createPlan({ name: 'bad', items: ['bad'] })
  await fixture.createPlan({ name: 'both', items: ['bad', 'good'] })
  const failed = await cli(['plan', 'run', 'bad', '--wait'])
  expect(failed.code).toBe(1)
  expect(failed.stdout).toContain('no space')
  const partly = await cli(['plan', 'run', 'i/both', '--wait', '-o', 'json'])
  expect(partly.code).toBe(3)
  expect(JSON.parse(partly.stdout)).toMatchObject({ state: 'failed', parts: [{ item: 'bad' }, { state: 'succeeded' }] })

  await writeFile(hold, '')
  const late = await cli(['backup', 'i', 'good', '--wait', '--timeout', '1s', '-o', 'name'])
  expect(late).toMatchObject({ code: 7 })
  const [, jobId = ''] = /job watch ([0-9a-f]+)/.exec(late.stderr) ?? []
  expect((await client.jobs.get(jobId)).state).toBe('running')
  const busy = await cli(['backup', 'i', 'good'])
  expect(busy.code).toBe(1)
  expect(busy.stderr).toContain(`osb-backup job watch ${jobId}`)
  await rm(hold)
  expect(await cli(['job', 'watch', jobId.slice(0, -3)])).toMatchObject({ code: 3 })
  const logs = await cli(['job', 'logs', jobId])
  expect(logs.stdout).toContain('bad backup stderr | no space')
})

test('failures have their exit codes, and are JSON where JSON was requested', async () => {
  await using fixture = await startFixture()
  const { manager, folder } = fixture
  const url = { OSB_BACKUP_URL: manager.url }
  const cli = inProcessCliOf(folder, { ...url, OSB_BACKUP_TOKEN: TEST_TOKEN })
  await fixture.createPlan({ name: 'nightly' })
  const near = await cli(['plan', 'show', 'nigthly'])
  expect(near).toMatchObject({ code: 4, stdout: '' })
  expect(near.stderr).toContain('Did you mean "nightly"?')
  expect((await cli(['plan', 'list', '--instance', 'none'])).code).toBe(4)
  expect((await cli(['plan', 'lst'])).stderr).toMatch(/Did you mean .*list/)
  expect((await cli(['plan', 'create', '--instance', 'i'])).code).toBe(2)
  const denied = await cli(['instance', 'list'], { env: { OSB_BACKUP_TOKEN: 'osbb_wrong' } })
  expect(denied.code).toBe(5)
  const gone = await cli(['instance', 'list', '-o', 'json'], { env: { OSB_BACKUP_URL: 'http://127.0.0.1:9' } })
  expect(gone).toMatchObject({ code: 6, stdout: '' })
  expect(JSON.parse(gone.stderr)).toMatchObject({
    error: { exitCode: 6, message: expect.stringContaining('does not answer') },
  })
  const nagios = await cli(['status', '--nagios'], { env: { OSB_BACKUP_URL: 'http://127.0.0.1:9' } })
  expect(nagios).toMatchObject({ code: 3, stdout: expect.stringMatching(/^OSB-BACKUP UNKNOWN - /) })
  const wrong = await cli(['plan', 'preview', '--cron', 'never', '-o', 'json'])
  expect(wrong.code).toBe(2)
  expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: 'invalid-request', field: 'schedule.cron' } })
  const otherUrl = await cli(['login', manager.url, '--name', 'a', '--token-file', '-'], { input: TEST_TOKEN })
  expect(otherUrl.code).toBe(0)
  const kept = await inProcessCliOf(folder, {})(['instance', 'list', '--url', 'http://127.0.0.1:9'])
  expect(kept).toMatchObject({ code: 2, stderr: expect.stringContaining('is not sent to') })
})

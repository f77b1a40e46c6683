import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { agentWith, backupBody, formTwo, restoreBody, stagesRun } from './agent-under-test.ts'

const packFile = (more: object) => JSON.stringify({ form: 2, name: 'test', type: '.dump', ...more })
const parameters = [
  { name: 'mode', type: 'string', values: ['full', 'schema'], default: 'full' },
  { name: 'jobs', type: 'integer', minimum: 1, maximum: 8, default: 2 },
  { name: 'pin', type: 'string', secret: true },
]
const access = { host: 'db-host', username: 'dba', password: 'db-password-1' }

async function packsFolder(packs: Record<string, Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'packs-test-'))
  onTestFinished(() => rm(root, { recursive: true }))
  for (const [name, scripts] of Object.entries(packs)) {
    await mkdir(join(root, name))
    for (const [file, text] of Object.entries(scripts)) await writeFile(join(root, name, file), text)
  }
  return root
}

test('an agent with several packs runs the one that the request names', async () => {
  const packsPath = await packsFolder({
    mysql: { 'pack.json': packFile({ name: 'mysql', type: '.sql' }), backup: 'echo of-mysql\n', restore: 'cat >&2\n' },
    redis: { 'pack.json': packFile({ name: 'redis', type: '.rdb' }), backup: 'echo of-redis\n', restore: 'cat >&2\n' },
    renamed: { 'pack.json': packFile({ name: 'redis' }), backup: 'echo x\n', restore: 'cat >&2\n' },
  })
  const under = await agentWith(formTwo(), { packs_path: packsPath })
  const { json: status } = await under.call('GET', '/status')
  expect(status.packs.map(({ name }: { name: string }) => name)).toEqual(['test', 'mysql', 'redis', 'renamed'])
  expect(status.packs[3].problem).toMatch(/must be that of its folder/)

  for (const pack of ['mysql', 'redis']) {
    const body = { ...backupBody(under, pack, { pack }), object_name: pack }
    expect(await under.call('POST', '/backup', body)).toMatchObject({ status: 201 })
    expect(await under.over('backup', pack)).toMatchObject({ status: 'SUCCEEDED' })
  }
  expect(await under.objects()).toEqual(['plan/mysql.sql', 'plan/redis.rdb'])
  expect(await under.read('bucket/plan/redis.rdb')).toBe('of-redis\n')

  for (const [pack, message] of [
    ['mongodb', /has no script pack "mongodb"/],
    ['../mysql', /not the name of a script pack/],
    ['renamed', /must be that of its folder/],
  ] as const) {
    const { status: code, json } = await under.call('POST', '/backup', backupBody(under, 'no', { pack }))
    expect(code).toBe(400)
    expect(json.error_message).toMatch(message)
  }
  // The pack of scripts_path has a name too.
  expect(await under.call('POST', '/backup', backupBody(under, 'own', { pack: 'test' }))).toMatchObject({ status: 201 })
  expect(await under.over('backup', 'own')).toMatchObject({ status: 'SUCCEEDED' })
})

test('the agent validates the parameters that the pack declares, and adds defaults', async () => {
  const show = 'env | grep ^BACKUP_PARAMETER | sort >&2; echo dump\n'
  const under = await agentWith({ ...formTwo({ backup: show }), 'pack.json': packFile({ parameters }) })
  const start = (id: string, given: object) => {
    const body = backupBody(under, id)
    return under.call('POST', '/backup', { ...body, backup: { ...body.backup, parameters: [given] } })
  }
  const { status, json } = await start('wrong', { jobs: 9 })
  expect([status, json.error_message]).toEqual([400, 'parameter "jobs" must be at most 8, not "9"'])
  expect(await start('right', { jobs: 4, pin: '8725-secret', ofBroker: 1 })).toMatchObject({ status: 201 })
  const job = await under.over('backup', 'right')
  expect(String(job.backup_errorlog).trim().split('\n')).toEqual([
    'BACKUP_PARAMETER_JOBS=4',
    'BACKUP_PARAMETER_MODE=full',
    'BACKUP_PARAMETER_OFBROKER=1',
    'BACKUP_PARAMETER_PIN=***',
  ])
  expect((await under.call('GET', '/status')).json.packs[0].parameters).toEqual(parameters)
})

test('verify runs after the restore, and its failure fails the job; cleanup and unlock run all the same', async () => {
  const verify = 'echo checked; test "$BACKUP_DATABASE" = good || { echo "rows are missing" >&2; exit 1; }\n'
  const under = await agentWith(formTwo({ verify }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const { filename = '' } = await under.over('backup', 'x')
  const restore = async (id: string, database: string) => {
    const body = restoreBody(under, id, { filename })
    await under.call('PUT', '/restore', { ...body, restore: { ...body.restore, database } })
    return under.over('restore', id)
  }
  expect(await restore('good', 'good')).toMatchObject({ status: 'SUCCEEDED', verify_log: 'checked\n' })
  const failed = await restore('bad', 'bad')
  expect(failed).toMatchObject({ status: 'FAILED', failed_stage: 'verify' })
  expect(failed.error_message).toMatch(/rows are missing/)
  expect((await stagesRun(under)).slice(-5)).toEqual([
    'pre-restore-lock',
    'restore',
    'verify',
    'restore-cleanup',
    'post-restore-unlock',
  ])
})

test('the check stage says how large the dump is going to be', async () => {
  const check = 'echo expectedSizeBytes=1; echo "expectedSizeBytes=5000"; echo "and expectedSizeBytes=7"\n'
  const under = await agentWith(formTwo({ 'pre-backup-check': check }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED', progress: { expected_bytes: 5000 } })
})

test('list-items gets the access of a backup without a database, and what it prints is the answer', async () => {
  const list =
    'env | grep -c "BACKUP_DATABASE=" >&2 && exit 1; echo "shop"; echo "$BACKUP_HOST"; echo "$BACKUP_PARAMETER_JOBS"\n'
  const under = await agentWith({ ...formTwo({ 'list-items': list }), 'pack.json': packFile({ parameters }) })
  const answer = await under.call('POST', '/items', { backup: access })
  expect(answer).toMatchObject({ status: 200, json: { items: ['shop', 'db-host', '2'] } })
  expect(await readdir(join(under.root, 'backups'))).toEqual([])
})

test.each([
  ['fails', 'echo shop; echo "no access for $BACKUP_PASSWORD" >&2; exit 1\n', /no access for \*\*\*/],
  ['is cut off', 'printf "shop\\nusers"\n', /cut off/],
  ['fails within a pipeline', 'false | echo shop\n', /exited with status 1/],
  ['leaves a process that still prints', 'echo shop; (sleep 60; echo users) &\n', /still held its standard output/],
  ['prints without end', 'yes\n', /more than 1048576 bytes/],
])('a list whose script %s is no list', async (_how, script, message) => {
  const under = await agentWith(formTwo({ 'list-items': script }))
  const { status, json } = await under.call('POST', '/items', { backup: access })
  expect([status, json.code]).toEqual([500, 'list_items_failed'])
  expect(json.error_message).toMatch(message)
})

test('an agent that may not work on a database does not list it, and scripts without list-items say so', async () => {
  const under = await agentWith(formTwo({ 'list-items': 'printf "shop_1\\nother\\nshop_2\\n"\n' }), {
    allowed_databases: 'shop_*',
  })
  expect((await under.call('POST', '/items', { backup: access })).json).toEqual({ items: ['shop_1', 'shop_2'] })
  const without = await agentWith(formTwo())
  expect(await without.call('POST', '/items', { backup: access })).toMatchObject({
    status: 501,
    json: { code: 'items_not_supported' },
  })
})

test('elect says how well the node suits for a kind of job; without one it is as good as any', async () => {
  const elect = 'echo "7 $BACKUP_KIND of $BACKUP_DATABASE at $BACKUP_HOST"\n'
  const under = await agentWith(formTwo({ elect }))
  const named = { ...access, database: 'shop' }
  const answers = [
    await under.call('POST', '/elect/backup', { backup: named }),
    await under.call('POST', '/elect/restore', { restore: named }),
  ]
  expect(answers.map(({ json }) => json)).toEqual(
    ['backup', 'restore'].map((kind) => ({ priority: 7, reason: `${kind} of shop at db-host` })),
  )
  const without = await agentWith(formTwo())
  expect((await without.call('POST', '/elect/backup', { backup: named })).json).toEqual({ priority: 50 })
  const wrong = await agentWith(formTwo({ elect: 'echo primary\n' }))
  const { status, json } = await wrong.call('POST', '/elect/backup', { backup: named })
  expect([status, json.code]).toEqual([500, 'script_failed'])
})

test('an agent whose job works on the database, or has not unlocked it, does not stand for election', async () => {
  const scripts = { 'post-backup-unlock': 'test -e "$(dirname "$0")/unlock"\n', elect: 'echo 100\n' }
  const under = await agentWith(formTwo(scripts))
  const { backup } = backupBody(under, 'x')
  const elect = () => under.call('POST', '/elect/restore', { restore: backup })
  expect(await elect()).toMatchObject({ status: 200 })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'FAILED' })
  expect(await elect()).toMatchObject({ status: 429, json: { code: 'database_busy', blocking_job: { id: 'x' } } })
  await writeFile(join(under.scripts, 'unlock'), '')
  await expect.poll(async () => (await elect()).status, { timeout: 60_000 }).toBe(200)
})

test('what a crash left of a list is ended by the next start, and its directory removed', async () => {
  const backups = await packsFolder({ '.query-0': { scratch: 'left' } })
  const marks = { BACKUP_JOB_ID: '.query-0', BACKUP_STAGE: 'list-items' }
  const environment = { PATH: process.env.PATH, BACKUP_DIRECTORY: join(backups, '.query-0'), ...marks }
  const orphan = spawn('sleep', ['300'], { env: environment, detached: true, stdio: 'ignore' })
  const exited = once(orphan, 'exit')
  await once(orphan, 'spawn')
  const under = await agentWith(formTwo({ 'list-items': 'echo shop\n' }), { directory_backup: backups })
  await exited
  expect(await readdir(backups)).toEqual([])
  expect((await under.call('POST', '/items', { backup: access })).json).toEqual({ items: ['shop'] })
})

import { execFile } from 'node:child_process'
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { until } from '../agent/agent-under-test.ts'
import { digestOf } from '../postgresql-pack/catalogue-digest.ts'
import { superuser } from '../postgresql-pack/servers.ts'
import { fileOf, PackAgent, processArguments, type Target } from './pack-agent.ts'
import { PgbackrestCluster } from './pgbackrest-cluster.ts'
import { ServiceStandIn } from './service-stand-in.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const run = promisify(execFile)
const awkward = String.raw`
CREATE TABLE texts (id int PRIMARY KEY, t text, b bytea, j jsonb, a text[], "odd ""name, ü" int);
INSERT INTO texts VALUES (1, E'🐘 \\ "x" ''y'' \r\n', '\x00ff0a', '{"a": [1, null]}', '{"a,b",NULL}', 7), (2, NULL, NULL, NULL, NULL, NULL);
SELECT lo_from_bytea(4711, '\xdeadbeef00');
CREATE UNLOGGED TABLE fleeting (i int);
CREATE SEQUENCE numbering START 100 INCREMENT 10; SELECT nextval('numbering');
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN RETURN n * 2; END$$;
CREATE MATERIALIZED VIEW sums AS SELECT sum(id) FROM texts;
CREATE TABLE big AS SELECT i, repeat(md5(i::text), 10) AS t FROM generate_series(1, 20000) i;
CREATE TABLE moments (what text, at timestamptz DEFAULT clock_timestamp());
`
let cluster: PgbackrestCluster
let service: ServiceStandIn
let agent: PackAgent
let receipt: string
let before: unknown

beforeAll(async () => {
  cluster = await PgbackrestCluster.start()
  const { server } = cluster
  service = await ServiceStandIn.start({ start: () => server.start(), stop: () => server.stop() })
  agent = await PackAgent.start('postgresql-physical', { PATH: service.path })
  await server.sql('postgres', `CREATE ROLE app LOGIN PASSWORD 'app-secret-1'; CREATE DATABASE "shop ""ü"""`)
  await server.sql('shop "ü"', awkward)
  before = await state()
  receipt = fileOf(await agent.backup(target()))
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await service?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})

const target = (parameters: Record<string, unknown> = {}, changes: Partial<Target> = {}): Target => ({
  port: cluster.server.port,
  database: 'main',
  login: superuser,
  parameters: { config: cluster.config, ...parameters },
  ...changes,
})
const live = { replace: true, service: 'postgresql@15-main' }
const state = () => digestOf(cluster.server, 'shop "ü"')
/** What lies beside the data directory: nothing of a restore, after its cleanup. */
const beside = async () =>
  (await readdir(dirname(cluster.server.data))).filter((name) => name.startsWith('.') && !name.startsWith('.s.PGSQL'))
const insert = (what: string) =>
  cluster.server.sql('shop "ü"', `INSERT INTO moments VALUES ('${what}') RETURNING at AT TIME ZONE 'UTC' || 'Z'`)
const moments = () => cluster.server.sql('shop "ü"', `SELECT string_agg(what, ',' ORDER BY at) FROM moments`)
/** Waits until a script has created the file; a job that is over never will. */
const hasReached = (path: string, kind: 'backup' | 'restore', id: string) =>
  until(async () => {
    const { json } = await agent.under.call('GET', `/${kind}/${id}`)
    expect(json.status).toBe('RUNNING')
    return access(path).then(
      () => true,
      () => false,
    )
  }, `${path} is there`)
/** Has the archive of what happened so far. */
const archive = async () => {
  await cluster.server.sql('postgres', 'SELECT pg_switch_wal()')
  await cluster.pgbackrest('check')
}

test('the cluster comes back as of its backup, over live data, and then to moments after it', async () => {
  await insert('first')
  const second = await insert('second')
  await cluster.server.sql('postgres', 'DROP ROLE app')
  await archive()
  const refused = await agent.restore(target({ service: live.service }), receipt)
  expect(refused).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(refused.error_message).toMatch(/is not empty.*replace/)
  expect(service.calls).toEqual([])

  // A moment before the second row: the first one is there, what came later is not.
  fileOf(await agent.restore(target({ ...live, target_time: second }), receipt))
  expect(await moments()).toBe('first')
  expect(await cluster.server.sql('postgres', `SELECT rolname FROM pg_roles WHERE rolname = 'app'`)).toBe('app')
  // On the new timeline, archived like the first one: another backup, and a moment after it.
  const again = fileOf(await agent.backup(target()))
  await insert('third')
  const fourth = await insert('fourth')
  await archive()
  fileOf(await agent.restore(target({ ...live, target_time: fourth }), again))
  expect(await moments()).toBe('first,third')

  const job = await agent.restore(target(live), receipt)
  fileOf(job)
  expect(job.verify_errorlog).toContain('runs on the restored data')
  expect(await state()).toEqual(before)
  expect(await cluster.server.sql('postgres', 'SHOW restore_command')).toBe('')
  // The newest timeline, which that restore began, does not contain the second backup.
  await archive()
  fileOf(await agent.restore(target(live), again))
  expect(await moments()).toBe('first')
  expect(await beside()).toEqual([])
})

test('a moment that the archive does not reach, or that is ambiguous, costs nothing', async () => {
  const now = await state()
  service.calls.length = 0
  const future = await agent.restore(target({ ...live, target_time: '2090-01-01T00:00:00Z' }), receipt)
  expect(future).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(JSON.stringify(future)).toMatch(/recovery ended before configured recovery target was reached/)
  for (const moment of ['2026-01-01 00:00:00', 'yesterday', "2026-01-01 00:00:00+00' --type=default"]) {
    const job = await agent.restore(target({ ...live, target_time: moment }), receipt)
    expect(job.error_message).toMatch(/must be a date, a time and a time zone/)
  }
  expect(service.calls).toEqual([])
  expect(await state()).toEqual(now)
  expect(await beside()).toEqual([])
})

test('a repository that was changed, and receipts that are forged or cut off, are refused before anything is restored', async () => {
  const text = await readFile(agent.objectOf(receipt), 'utf8')
  const label = /label=(\S+)/.exec(text)?.[1] ?? ''
  service.calls.length = 0
  for (const forged of [
    text.slice(0, -1),
    text.slice(0, -20),
    `${text}more\n`,
    text.replace('stanza=main', 'stanza=../main'),
    text.replace('stanza=main', 'stanza=--repo1-path=/tmp'),
    text.replace(label, '../../x'),
    text.replace(label, '20200101-000000F'),
    text.replace(/manifest=./, (found) => `manifest=${found.endsWith('0') ? '1' : '0'}`),
    'PGDMP',
  ]) {
    const job = await agent.restore(target(live), await agent.forge(forged, '.pgbackrest'))
    expect(job, forged).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  }
  // A file of the backup has other bytes: pgBackRest compares each with the manifest that was recorded.
  const backup = join(cluster.repository, 'backup/main', label)
  const bundle = (await readdir(join(backup, 'bundle')))[0] ?? ''
  const path = join(backup, 'bundle', bundle)
  const bytes = await readFile(path)
  const spoilt = Buffer.from(bytes)
  for (let at = 1000; at < spoilt.length; at += 1000) spoilt[at] = (spoilt[at] ?? 0) ^ 1
  await writeFile(path, spoilt)
  const job = await agent.restore(target(live), receipt)
  await writeFile(path, bytes)
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  const manifest = join(backup, 'backup.manifest')
  const original = await readFile(manifest, 'utf8')
  await writeFile(manifest, original.replace('option-online=true', 'option-online=false'))
  expect((await agent.restore(target(live), receipt)).error_message).toContain('not the one that was recorded')
  await writeFile(manifest, original)
  expect(service.calls).toEqual([])
  expect(await beside()).toEqual([])
})

test('killed at its worst moments, a restore leaves the old data whole and the server running', async () => {
  await insert('live')
  const now = await state()
  for (const line of ['as_owner "$PROGRAMS/pg_ctl" stop', 'mv -T -- "$FRESH"']) {
    const file = line.startsWith('as_owner') ? 'lib/recovery.sh' : 'restore.sh'
    const reached = join(agent.under.root, 'reached')
    await rm(reached, { force: true })
    await agent.withScript(
      file,
      (script) => script.replace(line, () => `touch ${reached}; sleep 1000\n${line}`),
      async () => {
        const id = await agent.startRestore(target(live), receipt)
        await hasReached(reached, 'restore', id)
        expect(processArguments()).not.toContain(superuser.password)
        await agent.cancel('restore', id)
      },
    )
    expect(await beside(), line).toEqual([])
    expect(await state(), line).toEqual(now)
  }
  const refuses = (script: string) => script.replace('if [ -d "$REPLACED" ]', 'fail "it does not suit"\n$&')
  await agent.withScript('verify.sh', refuses, async () => {
    const job = await agent.restore(target(live), receipt)
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'verify' })
  })
  expect(await state()).toEqual(now)
  expect(await beside()).toEqual([])
})

test('a backup is restored into another directory, which does not archive into the stanza of the first', async () => {
  const folder = await mkdtemp('/tmp/pgbackrest-other-')
  await chmod(folder, 0o755)
  try {
    const data = join(folder, 'data')
    const job = await agent.restore(target({ data_directory: data }), receipt)
    fileOf(job)
    expect(await readFile(join(data, 'PG_VERSION'), 'utf8')).toBe('15\n')
    const settings = await readFile(join(data, 'postgresql.auto.conf'), 'utf8')
    expect(settings).toContain("archive_mode = 'off'")
    expect(settings).not.toContain('restore_command')
    const again = await agent.restore(target({ data_directory: data }), receipt)
    expect(again.error_message).toMatch(/is not empty/)
    // What is no cluster is never replaced, whatever the parameters say.
    await mkdir(join(folder, 'files'))
    await writeFile(join(folder, 'files/precious'), '')
    if (process.getuid?.() === 0) await run('chown', ['-R', 'postgres', join(folder, 'files')])
    const precious = await agent.restore(target({ data_directory: join(folder, 'files'), replace: true }), receipt)
    expect(precious.error_message).toMatch(/not the data directory of a PostgreSQL server/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('the check rejects items that are no stanza, another server, tablespaces, and a stanza without an archive', async () => {
  expect(await agent.items(target({}, { database: 'none' }))).toEqual({ items: ['main', 'broken'] })
  expect((await agent.backup(target({}, { database: 'shop' }))).error_message).toMatch(/has no stanza "shop"/)
  expect((await agent.backup(target({}, { port: 1 }))).error_message).toMatch(/has port 1/)
  const open = join(agent.under.root, 'open.conf')
  await writeFile(open, '[main]\n')
  await run('chmod', ['666', open])
  expect((await agent.backup(target({ config: open }))).error_message).toMatch(/can be changed by other accounts/)
  const broken = await agent.backup(target({}, { database: 'broken' }))
  expect(broken).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
  expect(broken.error_message).toMatch(/check failed/)
  const space = await mkdtemp(join(dirname(cluster.server.data), 'space-'))
  if (process.getuid?.() === 0) await run('chown', ['postgres', space])
  await cluster.server.sql('postgres', `CREATE TABLESPACE elsewhere LOCATION '${space}'`)
  expect((await agent.backup(target())).error_message).toMatch(/tablespaces/)
  await cluster.server.sql('postgres', 'DROP TABLESPACE elsewhere')
  const service_ = await agent.restore(target({ replace: true, service: 'ssh' }), receipt)
  expect(service_.error_message).toMatch(/must name a unit of PostgreSQL/)
  const none = await agent.restore(target({ replace: true }), receipt)
  expect(none.error_message).toMatch(/a server works in/)
})

test('a backup that is cancelled leaves neither a lock nor a backup in progress', async () => {
  const reached = join(agent.under.root, 'backing-up')
  // Killed while pgBackRest waits for the checkpoint and copies.
  const slow = (script: string) =>
    script.replace(
      'log=$BACKUP_DIRECTORY/log',
      () => `log=$BACKUP_DIRECTORY/log; touch ${reached}; options+=(--buffer-size=16KiB --process-max=1)`,
    )
  await agent.withScript('backup.sh', slow, async () => {
    const id = await agent.startBackup(target({ backup_type: 'full' }))
    await hasReached(reached, 'backup', id)
    const sessions = `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgBackRest%'`
    await until(async () => (await cluster.server.sql('postgres', sessions)) !== '0', 'pgBackRest is connected')
    await agent.cancel('backup', id)
    await until(async () => (await cluster.server.sql('postgres', sessions)) === '0', 'its session ends')
  })
  fileOf(await agent.backup(target({ backup_type: 'full' })))
})

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, onTestFinished, test } from 'vitest'
import { type AgentUnderTest, agentWith, backupBody, restoreBody } from './agent-under-test.ts'

const run = promisify(execFile)
const pack = join(import.meta.dirname, '../../script-packs/postgresql')
const lab = inject('lab')
const { host, port, username, password, bin } = lab.postgresql

async function sql(database: string, text: string): Promise<string> {
  const env = {
    ...process.env,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: database,
  }
  const { stdout } = await run(join(bin, 'psql'), ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', text], { env })
  return stdout.trim()
}

/** A database with an odd name, that goes with the test. */
async function newDatabase(): Promise<string> {
  const name = `it's a "db" = ${randomBytes(4).toString('hex')}`
  const quoted = `"${name.replaceAll('"', '""')}"`
  await sql('postgres', `CREATE DATABASE ${quoted}`)
  onTestFinished(async () => {
    await sql('postgres', `DROP DATABASE ${quoted} WITH (FORCE)`)
  })
  return name
}

async function agentWithPack(): Promise<AgentUnderTest> {
  const under = await agentWith({}, { PATH: `${bin}:${process.env.PATH}` })
  await cp(pack, under.scripts, { recursive: true })
  return under
}

const access = (database: string) => ({ host, port, username, password, database })
const backupOf = (under: AgentUnderTest, id: string, database: string, changes: object = {}) => ({
  ...backupBody(under, id, { compression: true }),
  backup: { ...access(database), ...changes },
})
const restoreOf = (under: AgentUnderTest, id: string, database: string, filename: string) => ({
  ...restoreBody(under, id, { filename }),
  restore: access(database),
})

const fill = `
  CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
  INSERT INTO person (name) SELECT 'person ' || i FROM generate_series(1, 20000) AS i;
  CREATE VIEW famous AS SELECT * FROM person WHERE id < 10;
  SELECT lo_from_bytea(4711, 'a large object')`
const digest = `SELECT md5(string_agg(id || name, ',' ORDER BY id)) || (SELECT count(*) FROM famous)
  || convert_from(lo_get(4711), 'UTF8') FROM person`

test('a PostgreSQL database comes back: over a changed one, and into an empty one', async () => {
  const under = await agentWithPack()
  const database = await newDatabase()
  await sql(database, fill)
  const before = await sql(database, digest)
  await under.call('POST', '/backup', backupOf(under, 'x', database))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'SUCCEEDED' })
  expect(job.pre_backup_check_errorlog).toMatch(/^server version \d+, pg_dump/)
  expect(job.filename).toMatch(/\.dump\.zst$/)

  await sql(
    database,
    "DELETE FROM person WHERE id > 5; INSERT INTO person (name) VALUES ('new'); SELECT lo_unlink(4711)",
  )
  await under.call('PUT', '/restore', restoreOf(under, 'over', database, job.filename ?? ''))
  expect(await under.over('restore', 'over')).toMatchObject({ status: 'SUCCEEDED' })
  expect(await sql(database, digest)).toBe(before)

  const empty = await newDatabase()
  await under.call('PUT', '/restore', restoreOf(under, 'empty', empty, job.filename ?? ''))
  expect(await under.over('restore', 'empty')).toMatchObject({ status: 'SUCCEEDED' })
  expect(await sql(empty, digest)).toBe(before)
})

test('a PostgreSQL restore that fails changes nothing', async () => {
  const under = await agentWithPack()
  const database = await newDatabase()
  await sql(database, fill)
  await under.call('POST', '/backup', backupOf(under, 'x', database))
  const { filename = '' } = await under.over('backup', 'x')
  await sql(database, "UPDATE person SET name = 'changed' WHERE id = 1; CREATE VIEW later AS SELECT * FROM person")
  const before = await sql(database, digest)
  await under.call('PUT', '/restore', restoreOf(under, 'x', database, filename))
  const job = await under.over('restore', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(job.error_message).toContain('view public.later depends on')
  expect(await sql(database, digest)).toBe(before)
})

test.each([
  ['a wrong password', { password: 'wrong-password-1' }, 'correct username and password of the service instance'],
  ['an unknown user', { username: 'nobody' }, 'correct username and password of the service instance'],
  [
    'an unknown database',
    { database: 'no-such-database' },
    'there is no such database: create it, or correct the name',
  ],
  ['a wrong port', { port: 1 }, 'the server does not answer: start it, or correct host and port of the service'],
  ['an unknown host', { host: 'nowhere.invalid' }, 'DNS does not know the host: correct the hosts of the service'],
])('%s fails backup and restore with advice and without the password', async (_, changes, advice) => {
  const under = await agentWithPack()
  const wrong = { ...access('postgres'), ...changes }
  const sentence = `cannot use the database ${wrong.database} at ${wrong.host}:${wrong.port} as ${wrong.username}: ${advice}`
  await under.call('POST', '/backup', backupOf(under, 'x', 'postgres', changes))
  const backup = await under.over('backup', 'x')
  expect(backup).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
  expect(backup.error_message).toContain(sentence)

  await mkdir(join(under.bucket, 'plan'))
  await writeFile(join(under.bucket, 'plan', 'x.dump'), 'never read')
  await under.call('PUT', '/restore', { ...restoreOf(under, 'x', 'postgres', 'x.dump'), restore: wrong })
  const restore = await under.over('restore', 'x')
  expect(restore).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(restore.error_message).toContain(sentence)
  expect(JSON.stringify([backup, restore])).not.toContain(wrong.password)
})

test('the check rejects a pg_dump that is older than the server', async () => {
  const under = await agentWithPack()
  const tools = join(under.root, 'tools')
  await mkdir(tools)
  await writeFile(join(tools, 'pg_dump'), '#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.24"\n')
  await chmod(join(tools, 'pg_dump'), 0o755)
  await writeFile(join(under.scripts, 'connection.sh'), `PATH=${tools}:$PATH\n. ${pack}/connection.sh\n`)
  await under.call('POST', '/backup', backupOf(under, 'x', 'postgres'))
  const job = await under.over('backup', 'x')
  expect(job.failed_stage).toBe('pre-backup-check')
  expect(job.error_message).toMatch(
    /pg_dump is of version 9, the server of version \d+: install postgresql-client-\d+ or newer/,
  )
})

import { existsSync } from 'node:fs'
import { copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupClient } from '@osb-backup/client'
import type { DestinationCreate } from '@osb-backup/protocol/v1'
import { makeTemporaryFolder, startManagerProcess, startManagerProgram } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { purposeOf, sealedColumns } from '../../packages/manager/src/secrets/sealed-columns.ts'
import { Sealer } from '../../packages/manager/src/secrets/sealing.ts'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { makeDatabase } from './own-database.ts'

const database = { username: 'backup', password: 'database-secret' }
const register = (client: BackupClient, id: string) => registerInstance(client, id, unreachableAgent, { database })
const destination = (instanceId: string): DestinationCreate => ({
  instanceId,
  name: 's3',
  store: { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: 'store-secret' },
})

/** Runs a command of the manager to its end. */
async function run(settings: Record<string, string>, line: string): Promise<{ status: number | null; output: string }> {
  const program = startManagerProgram(settings, line.split(' '))
  const status = await program.ended()
  return { status, output: program.output().trim() }
}

test('tokens are created, listed and revoked at the command line, beside a manager that runs', async () => {
  await using folder = await makeTemporaryFolder()
  const settings = { DATA_DIR: folder.path }
  const manager = await startManagerProcess(settings)
  await register(manager.client, 'one')
  const line = 'token create --name ci --role viewer --instances one --expires 2040-12-31'
  const { status, output } = await run(settings, line)
  expect(status).toBe(0)
  const [, token = '', id = ''] =
    /^(osbb_\S+)\n\nThe token (\S+) of "ci" is not shown again: viewer of one, /.exec(output) ?? []
  const client = new BackupClient({ url: manager.url, token })
  expect((await client.instances.get('one')).id).toBe('one')
  await expect(client.instances.delete('one')).rejects.toMatchObject({ status: 403 })
  const listed = (await run(settings, 'token list')).output
  expect(listed).toMatch(new RegExp(`^${id}  ci: viewer of one, expires 2041-01-01T00:00:00.000Z, last used 20`, 'm'))
  expect(listed).not.toContain(token)
  expect(await run(settings, `token revoke ${id}`)).toEqual({ status: 0, output: `The token ${id} is revoked.` })
  await expect(client.instances.get('one')).rejects.toMatchObject({ status: 401 })
  expect(await run(settings, `token revoke ${id}`)).toEqual({ status: 1, output: `There is no token "${id}".` })
  const entries = (await manager.client.auditEntries.list()).items
  expect(entries.filter(({ caller }) => caller.kind === 'command').map(({ action }) => action)).toEqual([
    'token revoke',
    'token create',
  ])
  await manager.stop()
})

test('a command without a manager leaves no database running', async () => {
  await using folder = await makeTemporaryFolder()
  const settings = { DATA_DIR: folder.path }
  const { output } = await run(settings, 'token create --name first --role admin')
  expect(existsSync(join(folder.path, 'postgres', 'data', 'postmaster.pid'))).toBe(false)
  const manager = await startManagerProcess({ ...settings, ADMIN_TOKEN: '' })
  const client = new BackupClient({ url: manager.url, token: /^osbb_\S+$/m.exec(output)?.[0] ?? '' })
  expect((await client.tokens.list()).items.map(({ name }) => name)).toEqual(['first'])
  await manager.stop()
})

test.for([
  ['token create', "Required option '--name <name>' not specified. See --help."],
  ['token frobnicate', "Unknown command 'frobnicate'. See --help."],
] as const)('%j is refused with status 2', async ([line, sentence]) => {
  await using folder = await makeTemporaryFolder()
  const { status, output } = await run({ DATA_DIR: folder.path }, line)
  expect({ status, output }).toEqual({ status: 2, output: expect.stringContaining(sentence) })
})

test('key rotate reseals everything while a manager runs and continues; then the former key is no longer needed', async () => {
  await using folder = await makeTemporaryFolder()
  const settings = { DATA_DIR: folder.path }
  const manager = await startManagerProcess(settings)
  const { client } = manager
  await register(client, 'one')
  const { id } = await client.destinations.create(destination('one'))
  const before = await readFile(join(folder.path, 'secret.key'), 'utf8')
  const { status, output } = await run(settings, 'key rotate')
  expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/^Resealed 3 secrets/) })
  const after = await readFile(join(folder.path, 'secret.key'), 'utf8')
  expect(after).not.toBe(before)
  expect(output).not.toContain(after.trim())
  expect((await stat(join(folder.path, 'secret.key'))).mode & 0o777).toBe(0o600)
  expect(await client.destinations.get(id)).toMatchObject({ store: { authSecretSet: true } })
  await register(client, 'two')
  expect((await run(settings, 'key rotate')).output).toMatch(/^Resealed 5 secrets/)
  expect((await client.instances.list()).items).toHaveLength(2)
  await manager.stop()

  // As a rotation leaves it that died after it had exchanged the files: the next one must not write the old key over.
  await copyFile(join(folder.path, 'secret.key'), join(folder.path, 'secret.key.previous'))
  await writeFile(join(folder.path, 'secret.key'), `${'cc'.repeat(32)}\n`)
  expect((await run(settings, 'key rotate')).status).toBe(0)
  await rm(join(folder.path, 'secret.key.previous'))
  const next = await startManagerProcess(settings)
  expect((await next.client.instances.list()).items).toHaveLength(2)
  expect(await next.client.destinations.get(id)).toMatchObject({ store: { authSecretSet: true } })
  await next.stop()
})

test('a rotation that is killed, again and again, loses nothing, and completes when it is not interrupted', async () => {
  await using folder = await makeTemporaryFolder()
  await using database = await makeDatabase()
  const [oldKey, newKey] = ['aa'.repeat(32), 'bb'.repeat(32)]
  const base = { DATA_DIR: folder.path, DATABASE_URL: database.url }
  const both = { ...base, SECRET_KEY: newKey, OTHER_SECRET_KEY: oldKey }
  const before = await startManagerProcess({ ...base, SECRET_KEY: oldKey })
  await register(before.client, 'one')
  const { id } = await before.client.destinations.create(destination('one'))
  await before.stop()
  const sealer = new Sealer(() => ({ current: Buffer.from(oldKey, 'hex'), others: [] }))
  const ids = Array.from({ length: 2500 }, (_, index) => `copy-${index}`)
  const secrets = JSON.stringify({ authSecret: 'secret' })
  await database.query(
    `insert into file_destinations (id, instance_id, name, store, sealed_store_secrets)
     select copy.id, instance_id, copy.sealed, store, copy.sealed
     from file_destinations d, unnest($2::text[], $3::text[]) as copy (id, sealed) where d.id = $1`,
    [id, ids, ids.map((each) => sealer.seal(secrets, purposeOf('file_destinations', 'sealed_store_secrets', each)))],
  )
  await database.query('update file_destinations set name = sealed_store_secrets where id = $1', [id])
  const left = async () => {
    const text = 'select count(*)::int as n from file_destinations where sealed_store_secrets = name'
    return (await database.query<{ n: number }>(text))[0]?.n ?? 0
  }

  // A rotation that comes to a held row stays there, after the batches before it, until it is killed.
  await database.query('create table held (id text)')
  await database.query(`create function hold() returns trigger language plpgsql as $$
    begin while exists (select from held where id = new.id) loop perform pg_sleep(0.1); end loop; return new; end $$`)
  await database.query('create trigger hold before update on file_destinations for each row execute function hold()')
  const holding = `from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`

  const manager = await startManagerProcess(both)
  const remaining: number[] = []
  for (const held of ['copy-3', 'copy-6']) {
    await database.query('insert into held values ($1)', [held])
    const rotation = startManagerProgram(both, ['key', 'rotate'])
    await expect.poll(() => database.query(`select pid ${holding}`)).toHaveLength(1)
    await rotation.kill()
    await database.query(`select pg_terminate_backend(pid) ${holding}`)
    await expect.poll(() => database.query(`select pid ${holding}`)).toEqual([])
    await database.query('delete from held')
    remaining.push(await left())
    const page = await manager.client.destinations.list({ instance: 'one', limit: 500 })
    expect(page.items).toHaveLength(500)
  }
  const [first = 0, second = 0] = remaining
  expect(first).toBeLessThan(2501)
  expect(second).toBeLessThan(first)
  expect(second).toBeGreaterThan(0)
  const { status, output } = await run(both, 'key rotate')
  expect({ status, output }).toEqual({
    status: 0,
    output: expect.stringMatching(/all of them are sealed under SECRET_KEY now/),
  })
  expect(await left()).toBe(0)
  await manager.stop()

  const last = await startManagerProcess({ ...base, SECRET_KEY: newKey })
  expect(await Array.fromAsync(last.client.destinations.iterate({ limit: 500 }))).toHaveLength(2501)
  await last.stop()
  expect((await run({ ...base, SECRET_KEY: oldKey }, 'token list')).status).toBe(1)

  const columns = await database.query<{ name: string }>(
    `select table_name || '.' || column_name as name from information_schema.columns
     where table_schema = 'public' and column_name like 'sealed%'`,
  )
  const known = Object.entries(sealedColumns).flatMap(([table, names]) => names.map((name) => `${table}.${name}`))
  expect(columns.map(({ name }) => name).toSorted()).toEqual(known.toSorted())
})

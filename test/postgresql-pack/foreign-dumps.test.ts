import { rm } from 'node:fs/promises'
import type { AgentJob } from '@osb-backup/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { createEmptyDatabase, loginOf, owner, quoteLiteral } from './databases/fixture.ts'
import { putArchive } from './foreign-archives.ts'
import { foreignObjects, foreignOwnership } from './foreign-dumps.ts'
import { forgedMetadata } from './forged-metadata.ts'
import { type Setup, succeeded, useAgent, useServer } from './harness.ts'
import { createTenant, disarm, newTrap, privilegedSetups, protectedState } from './hostile.ts'
import { attack, type Trap } from './hostile-sql.ts'
import { fullOr, rotate } from './matrix.ts'
import { databasesOf, dropAfterTest, type Mode, newName, type Way } from './round-trip.ts'

const foreign = useServer()
const servers = useServer()
const agents = useAgent()

const all: readonly Way[] = [
  ...privilegedSetups.map((setup): Way => ({ mode: 'swap', setup })),
  { mode: 'in-place', setup: 'superuser' },
]
/** As the superuser in one of the modes, which take turns; every fourth also as one of the other accounts. */
const waysOf = (index: number) =>
  fullOr(all, ({ mode, setup }, each) =>
    setup === 'superuser' ? (mode === 'swap') === (index % 2 === 0) : index % 4 === 0 && each === (index / 4) % 2,
  )

/** Creates a database of a foreign superuser, and puts his dump of it into the agent's directory. */
async function createForeignDump(
  sql: (trap: Trap) => string,
  metadata?: (trap: Trap) => Record<string, unknown>,
): Promise<{ filename: string; trap: Trap }> {
  for (const each of [foreign.server, servers.server]) {
    await createTenant(each)
    onTestFinished(() => disarm(each))
  }
  const trap = newTrap()
  const source = newName('source')
  dropAfterTest(foreign.server, source)
  await createEmptyDatabase(foreign.server, {}, source)
  await foreign.server.sql(source, `\\set database ${quoteLiteral(source)}\n${sql(trap)}`)
  const filename = await putArchive(agents.agent, foreign.server, source, metadata?.(trap))
  // On the foreign server the attack was allowed.
  await rm(trap.file, { force: true })
  return { filename, trap }
}

/** Restores, and fails if an account has gained privileges by it. */
async function restoreHarmlessly(
  { filename, trap }: { filename: string; trap: Trap },
  { mode, setup }: { mode: Mode; setup: Setup },
): Promise<AgentJob> {
  const { server } = servers
  const target = newName('target')
  dropAfterTest(server, target)
  await createEmptyDatabase(server, {}, target)
  const before = await protectedState(server, trap)
  const databases = await databasesOf(server)
  const job = await agents.agent.restore({ server, database: target, setup, parameters: { mode } }, filename)
  expect(await server.sql(target, foreignOwnership)).toBe('')
  // What the customers do next must not help either.
  await server.sql(target, 'CREATE TABLE next (id int); SELECT lo_create(0)', owner)
  await server.sql('tenant', 'CREATE TABLE IF NOT EXISTS next (id int)', loginOf('tenant'))
  expect(await protectedState(server, trap)).toEqual(before)
  if (job.status !== 'SUCCEEDED') {
    expect(job.error_message).not.toBe('')
    expect(await databasesOf(server)).toEqual(databases)
  }
  return job
}

for (const [index, [what, sql]] of Object.entries(foreignObjects).entries())
  for (const way of waysOf(index))
    test(`a dump of a foreign server with ${what} is refused or loses it: mode ${way.mode}, as ${way.setup}`, async () => {
      await restoreHarmlessly(await createForeignDump(sql), way)
    })

/** A dump that is harmless for all that its owner could not do anyway; it uses what the metadata is about. */
const ordinary = () => `CREATE EXTENSION hstore; CREATE SCHEMA evil; ALTER SCHEMA evil OWNER TO app;
  CREATE TABLE t (id int, h hstore); ALTER TABLE t OWNER TO app; INSERT INTO t VALUES (1, 'a=>1');
  CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO app;`

for (const [index, [what, metadata]] of Object.entries(forgedMetadata).entries())
  for (const way of rotate(
    fullOr(all, ({ setup }) => setup === 'superuser'),
    index,
  ))
    test(`metadata that lies about ${what} gains nothing: mode ${way.mode}, as ${way.setup}`, async () => {
      await restoreHarmlessly(await createForeignDump(ordinary, metadata), way)
    })

/** A table whose constraint attacks, owned by a role of the name of another customer or of the superuser. */
const attackingTable = (tableOwner: string) => (trap: Trap) =>
  `CREATE FUNCTION f(int) RETURNS boolean LANGUAGE plpgsql AS $a$ ${attack(trap).replace(/ END;$/, ' RETURN true; END;')} $a$; ALTER FUNCTION f(int) OWNER TO ${tableOwner};
  CREATE TABLE t (id int CHECK (f(id))); ALTER TABLE t OWNER TO ${tableOwner}; INSERT INTO t VALUES (1);`

test.each([
  { name: 'tenant', manifest: 'with a manifest' },
  { name: 'tenant', manifest: 'without a manifest' },
  { name: 'superuser', manifest: 'with a manifest' },
  { name: 'superuser', manifest: 'without a manifest' },
])(
  'a dump that calls itself $name’s, $manifest, runs with no account’s rights where there is no database yet',
  async ({ name, manifest }) => {
    const { server } = servers
    const locale = { encoding: 'UTF8', provider: 'c', collate: 'C.UTF-8', ctype: 'C.UTF-8' }
    const metadata = () => ({ database: { name: 'shop', owner: name, ...locale } })
    const sql = attackingTable(name)
    const dump = await (manifest === 'with a manifest' ? createForeignDump(sql, metadata) : createForeignDump(sql))
    const target = newName('target')
    const before = await protectedState(server, dump.trap)
    dropAfterTest(server, target)
    const job = await agents.agent.restore({ server, database: target, setup: 'superuser' }, dump.filename)
    expect(await protectedState(server, dump.trap), `${job.status} ${job.error_message}`).toEqual(before)
  },
)

test('a dump without a manifest is restored into a database that does not exist yet', async () => {
  const { server } = servers
  const { filename } = await createForeignDump(
    () => 'CREATE TABLE t (id int); ALTER TABLE t OWNER TO app; INSERT INTO t VALUES (1)',
  )
  const target = newName('target')
  dropAfterTest(server, target)
  const job = await agents.agent.restore({ server, database: target, setup: 'owner+superuser' }, filename)
  succeeded(job)
  expect(job.warnings?.map(({ code }) => code)).toContain('no-metadata')
  expect(await server.sql(target, 'SELECT count(*) FROM t', owner)).toBe('1')
})

test('a dump that superusers are not recorded to have written runs as none, unless a parameter allows it', async () => {
  const { server } = servers
  // First, since the attack succeeds on the foreign server.
  const harmless = await createForeignDump(() => 'CREATE TABLE t (id int); INSERT INTO t VALUES (1)')
  const { filename, trap } = await createForeignDump(attackingTable('superuser'))
  const target = newName('target')
  dropAfterTest(server, target)
  // It belongs to the superuser, and so does everything in it.
  await createEmptyDatabase(server, { ownedBy: 'superuser' }, target)
  const before = await protectedState(server, trap)
  const refused = await agents.agent.restore({ server, database: target, setup: 'superuser' }, filename)
  expect(refused).toMatchObject({ status: 'FAILED', error_message: expect.stringContaining('superuser_content') })
  expect(await protectedState(server, trap)).toEqual(before)

  const parameters = { superuser_content: 'allow' }
  const allowed = { server, database: target, setup: 'superuser', parameters } as const
  succeeded(await agents.agent.restore(allowed, harmless.filename))
  // A backup of what superusers own is recorded as such, and needs no parameter.
  const own = { server, database: target, setup: 'superuser' } as const
  succeeded(await agents.agent.restore(own, succeeded(await agents.agent.backup(own))))
})

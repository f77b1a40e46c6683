import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type CatalogueDigest, differences, digestOf } from './catalogue-digest.ts'
import { extensionsOfSuperuser, superuserDatabase } from './databases/extensions.ts'
import {
  createDatabase,
  createEmptyDatabase,
  createRolesOf,
  type DatabaseFixture,
  dropDatabase,
} from './databases/fixture.ts'
import { databaseSettings, grants, severalOwners } from './databases/privileges.ts'
import { columnsAndNames, dependentViews, partitions } from './databases/tables.ts'
import { largeObjects, typesAndFunctions } from './databases/types.ts'
import { createAccounts, succeeded, useAgent } from './harness.ts'
import { rotate } from './matrix.ts'
import type { Major } from './postgres-software.ts'
import { modes, newName, waysFor } from './round-trip.ts'
import { isInstalled, PostgresServer } from './servers.ts'

const fixtures: readonly DatabaseFixture[] = [
  partitions,
  dependentViews,
  columnsAndNames,
  typesAndFunctions,
  largeObjects,
  grants,
  severalOwners,
  databaseSettings,
  extensionsOfSuperuser,
  superuserDatabase,
]
async function startServer(major: Major): Promise<PostgresServer> {
  const server = await PostgresServer.start({ major })
  onTestFinished(() => server[Symbol.asyncDispose]())
  await createAccounts(server)
  return server
}

/** What a superuser's own pg_dump and pg_restore make of a database on another server: definitions print differently by version. */
async function referenceOn(target: PostgresServer, source: PostgresServer, database: string): Promise<CatalogueDigest> {
  const dump = join(source.socketFolder, 'dump')
  await source.program('pg_dump', ['-Fc', '--create', '-f', dump], database)
  await target.program('pg_restore', ['--create', '--exit-on-error', '-d', 'postgres', dump], 'postgres')
  const digest = await digestOf(target, database)
  await dropDatabase(target, database)
  return digest
}

/** A newer server may have no script that creates an extension in the version of the older one. */
const isOfExtensionVersion = (line: string) => /^~ extension /.test(line)

/**
 * Up to version 14 the schema public belongs to a superuser, to whom a restore gives nothing: it stays with the owner of the database, as
 * in any database of a newer server.
 */
const isPublicOf14 = (from: Major, line: string) => from === 14 && /^~ schema public: /.test(line)

/**
 * Registers a test that databases of one version come back on another one. pg_dump 15 is what Debian has: it reads servers up to
 * 15, and what it wrote goes to later ones.
 */
export async function testVersions(from: Major, to: Major): Promise<void> {
  const agents = useAgent()
  const missing = (await Promise.all([from, to].map(isInstalled))).includes(false)
  const name = `databases of PostgreSQL ${from} come back on PostgreSQL ${to}`
  test.skipIf(missing)(missing ? `${name} (skipped: one of them is not installed here)` : name, async () => {
    const [source, target] = [await startServer(from), await startServer(to)]
    const problems: string[] = []
    for (const [index, fixture] of fixtures.entries()) {
      const database = newName(fixture.name)
      await createDatabase(source, fixture, database)
      await createRolesOf(target, fixture)
      const expected = await referenceOn(target, source, database)
      const setup = fixture.ownedBy === 'superuser' ? 'superuser' : 'owner+superuser'
      const dumpedBy = waysFor(fixture).some((way) => way.setup === 'owner') ? 'owner' : setup
      const filename = succeeded(await agents.agent.backup({ server: source, database, setup: dumpedBy }))
      for (const mode of rotate(modes, index)) {
        await createEmptyDatabase(target, fixture, database)
        const job = await agents.agent.restore({ server: target, database, setup, parameters: { mode } }, filename)
        const found =
          job.status === 'SUCCEEDED'
            ? differences(expected, await digestOf(target, database))
            : [`${job.error_message}`]
        problems.push(
          ...found
            .filter((line) => !isOfExtensionVersion(line) && !isPublicOf14(from, line))
            .map((line) => `${fixture.name}, ${mode}: ${line}`),
        )
        await dropDatabase(target, database)
      }
    }
    expect(problems).toEqual([])
  })
}

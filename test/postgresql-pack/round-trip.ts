import { randomBytes } from 'node:crypto'
import { access } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type CatalogueDigest, differences, digestOf } from './catalogue-digest.ts'
import {
  createDatabase,
  createEmptyDatabase,
  type DatabaseFixture,
  dropDatabase,
  migrate,
} from './databases/fixture.ts'
import { fixtures } from './databases/index.ts'
import { type PackAgent, type Setup, setups, succeeded, useAgent, useServer } from './harness.ts'
import { isFullMatrix, rotate } from './matrix.ts'
import type { PostgresServer } from './servers.ts'

export const modes = ['swap', 'in-place'] as const
export type Mode = (typeof modes)[number]

/** A way to restore: the mode that is asked for, and the accounts of the service instance. */
export interface Way {
  mode: Mode
  setup: Setup
}

/** The ways in which a database can be restored, given what is in it. An owner without CREATEDB cannot create databases. */
export function waysFor({ needs, ownedBy }: Pick<DatabaseFixture, 'needs' | 'ownedBy'>): Way[] {
  if (ownedBy === 'superuser') return modes.map((mode) => ({ mode, setup: 'superuser' }))
  const able: Record<DatabaseFixture['needs'], readonly Setup[]> = {
    owner: setups,
    creator: setups.filter((setup) => setup !== 'owner'),
    superuser: setups.filter((setup) => setup.includes('superuser')),
  }
  return modes
    .flatMap((mode) => able[needs].map((setup) => ({ mode, setup })))
    .filter(({ mode, setup }) => mode === 'in-place' || setup !== 'owner')
}

/** A database of a fixture that was backed up, with its digest of that time. It goes with the test. */
export interface BackedUp {
  database: string
  before: CatalogueDigest
  filename: string
}

/** Where the databases of a test are, and who backs them up and restores them. */
export interface Bench {
  server: PostgresServer
  agent: PackAgent
}

/** A name for a database that no other test uses, with characters that need quotes everywhere. */
export const newName = (what: string) => `${what} "o'x" = ${randomBytes(3).toString('hex')}`

/** Creates the database of a fixture and backs it up. */
export async function createAndBackUp(
  { server, agent }: Bench,
  fixture: DatabaseFixture,
  setup: Setup,
): Promise<BackedUp> {
  const database = newName(fixture.name)
  dropAfterTest(server, database)
  await createDatabase(server, fixture, database)
  const before = await digestOf(server, database)
  const filename = succeeded(await agent.backup({ server, database, setup }))
  return { database, before, filename }
}

/** Drops a database after the test, and what a restore kept beside it. */
export function dropAfterTest(server: PostgresServer, database: string): void {
  const existing = databasesOf(server)
  onTestFinished(async () => {
    await dropDatabase(server, database)
    for (const name of await databasesOf(server)) if (!(await existing).includes(name)) await dropDatabase(server, name)
  })
}

/** The databases of a server, templates excluded. */
export async function databasesOf(server: PostgresServer): Promise<string[]> {
  const { rows } = await server.withClient('postgres', (client) =>
    client.query<{ datname: string }>('SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1'),
  )
  return rows.map(({ datname }) => datname)
}

/** Where a restore goes. `over-migrated`: the live database, in which an application's next release changed the schema. */
export const places = ['over-live', 'over-migrated', 'into-empty'] as const
export type Place = (typeof places)[number]
const usualPlaces: readonly Place[] = ['over-migrated', 'into-empty']

/**
 * Restores a backup and compares.
 *
 * @returns What differs from the database that was backed up; empty if all of it is back.
 */
async function restoreAndCompare(
  { server, agent }: Bench,
  fixture: DatabaseFixture,
  { database: source, before, filename }: BackedUp,
  way: Way & { place: Place },
): Promise<string[]> {
  const database = way.place === 'into-empty' ? newName('another name') : source
  if (way.place === 'into-empty') {
    dropAfterTest(server, database)
    await createEmptyDatabase(server, fixture, database)
  }
  if (way.place === 'over-migrated') await migrate(server, fixture, database)
  const job = await agent.restore({ server, database, setup: way.setup, parameters: { mode: way.mode } }, filename)
  succeeded(job)
  return differences(before, await digestOf(server, database))
}

/** Why a database cannot be created here; undefined if it can. */
export async function whyNotHere({ extensions = [] }: DatabaseFixture): Promise<string | undefined> {
  for (const name of extensions) {
    const isThere = await access(`/usr/share/postgresql/15/extension/${name}.control`).then(
      () => true,
      () => false,
    )
    if (!isThere) return `the extension ${name} is not installed for PostgreSQL 15`
  }
  return undefined
}

/**
 * The ways in which each database is restored: all that are possible with the full matrix, otherwise one in each mode, so that every
 * setup occurs in every mode.
 */
export function waysOfAll(all: readonly DatabaseFixture[]): Map<DatabaseFixture, Way[]> {
  // How often each way was used: the least used one is next.
  const counts = new Map<string, number>()
  const countOf = ({ mode, setup }: Way) => counts.get(`${mode} ${setup}`) ?? 0
  const chosen = all.map((fixture): [DatabaseFixture, Way[]] => {
    const able = waysFor(fixture)
    if (isFullMatrix) return [fixture, able]
    const ways = modes.flatMap((mode) =>
      able
        .filter((way) => way.mode === mode)
        .toSorted((a, b) => countOf(a) - countOf(b))
        .slice(0, 1),
    )
    for (const way of ways) counts.set(`${way.mode} ${way.setup}`, countOf(way) + 1)
    return [fixture, ways]
  })
  return new Map(chosen)
}

/**
 * Registers a test for each database and each way to restore it: one over the live one after a migration, the other under another
 * name; with the full matrix in all places each time, the unchanged database included.
 */
export async function testRoundTrips(group: keyof typeof fixtures): Promise<void> {
  const servers = useServer()
  const agents = useAgent()
  const ways = waysOfAll(Object.values(fixtures).flat())
  const turns = Object.values(fixtures).flat()
  for (const fixture of fixtures[group]) {
    const problem = await whyNotHere(fixture)
    for (const [index, way] of (ways.get(fixture) ?? []).entries()) {
      const name = `${fixture.name} comes back: mode ${way.mode}, as ${way.setup}`
      test.skipIf(problem)(problem === undefined ? name : `${name} (skipped: ${problem})`, async () => {
        const bench = { server: servers.server, agent: agents.agent }
        const backedUp = await createAndBackUp(bench, fixture, way.setup)
        for (const place of isFullMatrix ? places : rotate(usualPlaces, turns.indexOf(fixture) + index)) {
          expect(await restoreAndCompare(bench, fixture, backedUp, { ...way, place }), place).toEqual([])
        }
      })
    }
  }
}

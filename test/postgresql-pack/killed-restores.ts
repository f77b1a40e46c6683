import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { type CatalogueDigest, differences, digestOf } from './catalogue-digest.ts'
import { dropDatabase, migrate, quoteLiteral } from './databases/fixture.ts'
import { slowDatabase } from './databases/large.ts'
import { succeeded, useAgent, useServer } from './harness.ts'
import { LiveWatch } from './live-watch.ts'
import { isFullMatrix } from './matrix.ts'
import { type Bench, createAndBackUp, databasesOf, type Mode, type Way } from './round-trip.ts'
import { killStage } from './script-processes.ts'
import type { PostgresServer } from './servers.ts'

/** What a test knows of a server before a restore begins. */
interface Start {
  live: string
  /** The OID of the live database. */
  oid: string
  databases: readonly string[]
}

/** A moment of a restore, as SQL on the server that is true once it came; it names no step of the pack's own. */
interface Moment {
  modes: readonly Mode[]
  sql: (start: Start) => string
}

const moments: readonly Moment[] = [
  {
    modes: ['swap'],
    sql: ({ databases }) =>
      `SELECT EXISTS (SELECT FROM pg_database WHERE datname <> ALL (ARRAY[${databases.map(quoteLiteral).join(', ')}]) AND NOT datistemplate)`,
  },
  {
    modes: ['swap'],
    sql: () =>
      `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname !~ '^pg_' AND rolname NOT IN ('superuser', 'creator', 'app'))`,
  },
  {
    modes: ['swap', 'in-place'],
    sql: () =>
      `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query ILIKE 'COPY %' AND backend_type = 'client backend')`,
  },
  {
    modes: ['swap', 'in-place'],
    sql: () =>
      `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query ILIKE '%CREATE INDEX%' AND pid <> pg_backend_pid())`,
  },
  {
    modes: ['swap'],
    sql: ({ live }) =>
      `SELECT NOT datallowconn OR datconnlimit = 0 FROM pg_database WHERE datname = ${quoteLiteral(live)}`,
  },
  {
    modes: ['swap'],
    sql: ({ live, oid }) => `SELECT oid <> ${oid} FROM pg_database WHERE datname = ${quoteLiteral(live)}`,
  },
]

/** The application's view: all rows of the tables of one of the two states. */
const isComplete = `SELECT CASE (SELECT name FROM generation)
  WHEN 'backed up' THEN to_regclass('t39') IS NOT NULL AND to_regclass('added_later') IS NULL
  WHEN 'live' THEN to_regclass('t39') IS NULL AND to_regclass('added_later') IS NOT NULL END
  AND (SELECT count(*) FROM t0) = 1000 AND (SELECT count(*) FROM t38) = 1000`

/** What is left on a server besides the live database: a killed restore must leave nothing of its own there. */
async function surroundings(server: PostgresServer): Promise<Record<string, unknown>> {
  const queries = {
    roles:
      'SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolconnlimit, rolvaliduntil, rolpassword FROM pg_authid ORDER BY 1',
    memberships: 'SELECT roleid::regrole::text, member::regrole::text, admin_option FROM pg_auth_members ORDER BY 1, 2',
    settings: `SELECT setrole, setconfig, (SELECT datname FROM pg_database WHERE oid = setdatabase) FROM pg_db_role_setting ORDER BY 1, 3`,
    sessions: `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> ''`,
    prepared: 'SELECT gid FROM pg_prepared_xacts',
  }
  return server.withClient('postgres', async (client) => {
    const found: Record<string, unknown> = {}
    for (const [name, sql] of Object.entries(queries)) found[name] = (await client.query(sql)).rows
    return found
  })
}

interface Prepared {
  bench: Bench
  live: string
  filename: string
  /** The two states that the live database may be in. */
  backedUp: CatalogueDigest
  migrated: CatalogueDigest
}

async function prepare(bench: Bench, way: Way): Promise<Prepared> {
  const { database, before, filename } = await createAndBackUp(bench, slowDatabase, way.setup)
  await migrate(bench.server, slowDatabase, database)
  return { bench, live: database, filename, backedUp: before, migrated: await digestOf(bench.server, database) }
}

/**
 * Restores, and kills the script when `isDue` resolves. Then the agent's cleanup runs, and everything has to be as if there had
 * been no restore, or as if it had succeeded.
 */
async function killOnce(
  prepared: Prepared,
  way: Way,
  isDue: (signal: AbortSignal) => Promise<void>,
): Promise<'killed' | 'over'> {
  const { bench, live, filename } = prepared
  const { server, agent } = bench
  const databases = await databasesOf(server)
  const before = await surroundings(server)
  const watch = new LiveWatch(server, live, isComplete)
  const id = await agent.startRestore(
    { server, database: live, setup: way.setup, parameters: { mode: way.mode } },
    filename,
  )
  const abort = new AbortController()
  const ended = agent.ended('restore', id).finally(() => abort.abort())
  await isDue(abort.signal)
  let wasRunning = false
  // The time may come before the stage begins: then it is killed as it does.
  while (!wasRunning && !abort.signal.aborted) {
    wasRunning = await killStage(id, 'restore')
    if (!wasRunning) await sleep(5)
  }
  const job = await ended
  expect(await watch.end()).toEqual([])

  const now = await digestOf(server, live)
  const isNew = differences(prepared.backedUp, now).length === 0
  if (!isNew) expect(differences(prepared.migrated, now)).toEqual([])
  if (job.status === 'SUCCEEDED') expect(isNew).toBe(true)
  const more = (await databasesOf(server)).filter((name) => !databases.includes(name))
  if (isNew && more.length > 0) {
    // The previous database may be kept, whole but for the comment that says what it is.
    expect(more).toHaveLength(1)
    const previous = await digestOf(server, more[0] ?? '')
    expect(previous.database).toContain('comment=osb-backup: ')
    expect(differences({ ...prepared.migrated, database: '' }, { ...previous, database: '' })).toEqual([])
  } else {
    expect(more).toEqual([])
  }
  // A session of the killed script may end a moment later.
  await expect.poll(() => surroundings(server), { timeout: 15_000 }).toEqual(before)
  for (const name of more) await dropDatabase(server, name)
  if (isNew) await migrate(server, slowDatabase, live)
  return wasRunning ? 'killed' : 'over'
}

/** Resolves when SQL on the server is true, or the job is over. */
async function untilTrue(server: PostgresServer, sql: string, signal: AbortSignal): Promise<void> {
  await server.withClient('postgres', async (client) => {
    while (!signal.aborted) {
      const { rows } = await client.query({ text: sql, rowMode: 'array' })
      if (rows[0]?.[0] === true) return
      await sleep(2)
    }
  })
}

/** Registers tests that kill restores at moments of a restore and at random times. */
export function testKills(way: Way, options: { seed: number }): void {
  const randomKills = isFullMatrix ? 12 : 2
  const servers = useServer()
  const agents = useAgent()
  const bench = (): Bench => ({ server: servers.server, agent: agents.agent })

  test(`a restore that is killed at random leaves the live database whole, and nothing else: mode ${way.mode}, as ${way.setup}`, async () => {
    const prepared = await prepare(bench(), way)
    const startedAt = Date.now()
    const { server, agent } = prepared.bench
    const databases = await databasesOf(server)
    succeeded(
      await agent.restore(
        { server, database: prepared.live, setup: way.setup, parameters: { mode: way.mode } },
        prepared.filename,
      ),
    )
    const durationMs = Date.now() - startedAt
    for (const name of await databasesOf(server)) if (!databases.includes(name)) await dropDatabase(server, name)
    await migrate(server, slowDatabase, prepared.live)
    prepared.migrated = await digestOf(server, prepared.live)

    const random = seededRandom(options.seed)
    let killed = 0
    for (let kill = 0; kill < randomKills || killed === 0; kill++) {
      // Spread over the whole restore, so that no part of it is left out; ever earlier if all restores were over by then.
      const slice = durationMs / randomKills
      const from = kill < randomKills ? Math.floor(kill * slice) : 0
      const delayMs = from + random(Math.max(1, Math.ceil(slice / 2 ** Math.max(0, kill - randomKills))))
      const outcome = await killOnce(prepared, way, (signal) =>
        sleep(delayMs, undefined, { signal }).catch(() => undefined),
      )
      if (outcome === 'killed') killed++
    }
  })

  // The temporary role of a single account makes one step more.
  test.runIf(isFullMatrix || way.setup !== 'owner+superuser')(
    `a restore that is killed at each of its steps leaves the live database whole, and nothing else: mode ${way.mode}, as ${way.setup}`,
    async () => {
      const prepared = await prepare(bench(), way)
      const { server } = prepared.bench
      for (const moment of moments.filter(({ modes }) => modes.includes(way.mode))) {
        const { live } = prepared
        const oid = await server.sql('postgres', `SELECT oid FROM pg_database WHERE datname = ${quoteLiteral(live)}`)
        const sql = moment.sql({ live, oid, databases: await databasesOf(server) })
        await killOnce(prepared, way, (signal) => untilTrue(server, sql, signal))
      }
    },
  )
}

import type { Client } from 'pg'
import { type CatalogueQuery, relationQueries } from './catalogue-queries.ts'
import { identity, isMember, isSystemSchema } from './catalogue-sql.ts'
import { databaseQueries } from './database-queries.ts'
import { objectQueries } from './object-queries.ts'
import type { PostgresServer } from './servers.ts'

/**
 * A complete description of one database: what an object is called, mapped to what it is. Two databases with equal digests
 * have the same data, catalogue, owners and privileges. It holds no OID (but those of large objects, which are their names) and not the
 * database's name. Extensions represent their members; for those it holds the rows of their configuration tables, and
 * privileges that were changed.
 */
export type CatalogueDigest = Record<string, string>

/** Rows print the same whatever the database's settings are. */
const outputSettings: Record<string, string> = {
  search_path: '',
  client_encoding: 'UTF8',
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  row_security: 'off',
  xmlbinary: 'base64',
  lc_monetary: 'C',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  default_transaction_read_only: 'on',
  default_transaction_isolation: 'repeatable read',
}

/** Reads the digest of a database as a superuser, in a single snapshot. */
export function digestOf(server: PostgresServer, database: string): Promise<CatalogueDigest> {
  return server.withClient(database, async (client) => {
    for (const [name, value] of Object.entries(outputSettings)) {
      await client.query('SELECT set_config($1, $2, false)', [name, value])
    }
    // Bytes without an encoding cannot be converted.
    await client.query(
      `SELECT set_config('client_encoding', 'SQL_ASCII', false) WHERE current_setting('server_encoding') = 'SQL_ASCII'`,
    )
    await client.query('BEGIN')
    const entries: [string, string][] = []
    for (const query of [...databaseQueries, ...objectQueries, ...relationQueries]) {
      if (isFor(query, server.major)) entries.push(...(await pairs(client, query.sql)))
    }
    entries.push(...(await tableRows(client)), ...(await sequenceStates(client)))
    return ofEntries(entries)
  })
}

function isFor({ since = 0, until = Number.POSITIVE_INFINITY }: CatalogueQuery, major: number): boolean {
  return since <= major && major <= until
}

async function pairs(client: Client, sql: string): Promise<[string, string][]> {
  const { rows } = await client.query({ text: sql, rowMode: 'array' }).catch((error: Error) => {
    throw new Error(`${error.message} in ${sql}`)
  })
  return rows.map(([key, value]: (string | null)[]) => [key ?? 'no name', value ?? 'null'])
}

/** Names that are not unique (two objects print alike) are an error of ours: one would hide the other. */
function ofEntries(entries: readonly [string, string][]): CatalogueDigest {
  const digest: CatalogueDigest = {}
  for (const [key, value] of entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (key in digest) throw new Error(`the digest has two entries of the name ${key}: ${digest[key]}, and ${value}`)
    digest[key] = value
  }
  return digest
}

const isOwnOrConfiguration = `NOT ${isSystemSchema('c.relnamespace::regnamespace::text')}
  AND (NOT ${isMember('pg_class', 'c.oid')} OR EXISTS (SELECT FROM pg_extension AS e WHERE c.oid = ANY (e.extconfig)))`

/** Rows count in any order. */
async function tableRows(client: Client): Promise<[string, string][]> {
  const tables = await pairs(
    client,
    `SELECT ${identity('pg_class', 'c.oid')}, c.relpersistence FROM pg_class AS c
    WHERE (c.relkind = 'r' OR (c.relkind = 'm' AND c.relispopulated)) AND ${isOwnOrConfiguration}`,
  )
  const found: [string, string][] = []
  for (const [table] of tables) {
    // As many aggregates as fit the precision: a sum of hashes does not depend on the order.
    const sql = `SELECT count(*) || ' rows ' || coalesce(sum(('x' || left(md5(ROW(r.*)::text), 16))::bit(64)::bigint::numeric), 0)
      FROM ONLY ${table} AS r`
    const [row] = await pairs(client, `SELECT 'rows', (${sql})`)
    found.push([`rows of ${table}`, row?.[1] ?? ''])
  }
  return found
}

async function sequenceStates(client: Client): Promise<[string, string][]> {
  const sequences = await pairs(
    client,
    `SELECT ${identity('pg_class', 'c.oid')}, '' FROM pg_class AS c WHERE c.relkind = 'S' AND ${isOwnOrConfiguration}`,
  )
  const found: [string, string][] = []
  for (const [sequence] of sequences) {
    const [row] = await pairs(
      client,
      `SELECT 'state', last_value || CASE WHEN is_called THEN ' called' ELSE '' END FROM ${sequence}`,
    )
    found.push([`state of ${sequence}`, row?.[1] ?? ''])
  }
  return found
}

/** What differs between two digests, one line an entry, for a test's message; empty if nothing does. */
export function differences(expected: CatalogueDigest, found: CatalogueDigest): string[] {
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])].toSorted()
  return keys.flatMap((key) => {
    const [before, after] = [expected[key], found[key]]
    if (before === after) return []
    if (after === undefined) return [`- ${key}: ${before}`]
    return [before === undefined ? `+ ${key}: ${after}` : `~ ${key}: ${before} => ${after}`]
  })
}

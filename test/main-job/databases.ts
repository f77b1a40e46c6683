import { Client } from 'pg'

/** Connects to one database of a server, runs the work, and lets go of it. */
export async function withDatabase<T>(
  serverUrl: string,
  name: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { hostname, port, username, password } = new URL(serverUrl)
  const client = new Client({ host: hostname, port: Number(port), user: username, password, database: name })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

/** Makes an empty database, in place of one of that name. */
export async function recreateDatabase(serverUrl: string, name: string): Promise<void> {
  await dropDatabase(serverUrl, name)
  await withDatabase(serverUrl, 'postgres', (client) =>
    client.query(`create database ${quoted(name)} encoding 'UTF8' template template0`),
  )
}

export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withDatabase(serverUrl, 'postgres', (client) =>
    client.query(`drop database if exists ${quoted(name)} with (force)`),
  )
}

/**
 * Fills a database with what dumps stumble over: many rows, non-ASCII names and texts, large objects, arrays, JSON,
 * bytes, nulls, a view, an index, a sequence, a foreign key.
 *
 * @param rows - Rows of the largest table.
 */
export async function fillDatabase(serverUrl: string, name: string, rows: number): Promise<void> {
  await withDatabase(serverUrl, name, async (client) => {
    await client.query(`
      create schema "Büro";
      create table customers (id serial primary key, name text not null, note text, tags text[], born date);
      create table "Büro"."Aufträge (offen)" (
        id bigint primary key, customer int not null references customers, "größe" numeric(12, 3),
        payload jsonb, raw bytea, placed timestamptz not null);
      create index on "Büro"."Aufträge (offen)" (placed);
      create view "Büro".summen as select customer, sum("größe") as summe from "Büro"."Aufträge (offen)" group by customer;
      create table "空表 'quoted' %+" (x int);
      create table large (id int primary key, content oid not null);
    `)
    await client.query(
      `insert into customers (name, note, tags, born)
       select 'Ünïcödé ' || n || ' 中文 \\\\ ''', case when n % 7 = 0 then null else repeat(md5(n::text), 3) end,
              array['a' || n, null, 'b "c"'], date '1950-01-01' + n % 20000
       from generate_series(1, 1000) n`,
    )
    await client.query(
      `insert into "Büro"."Aufträge (offen)"
       select n, 1 + n % 1000, n * 1.234, jsonb_build_object('n', n, 'text', md5(n::text)),
              decode(md5(n::text) || md5('b' || n) || md5('c' || n) || md5('d' || n), 'hex'),
              timestamptz '2020-01-01' + n * interval '1 minute'
       from generate_series(1, $1::int) n`,
      [rows],
    )
    await client.query(
      `insert into large
       select n, lo_from_bytea(0, decode(repeat(md5(n::text), 2000 * n), 'hex')) from generate_series(1, 5) n`,
    )
  })
}

/** The contents of every table (rows and digest, in any row order), of every large object, and of every sequence. */
export async function fingerprintOf(serverUrl: string, name: string): Promise<Record<string, string>> {
  return withDatabase(serverUrl, name, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(`
      select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') order by 1`)
    const prints: Record<string, string> = {}
    for (const table of tables) {
      const { rows } = await client.query<{ print: string }>(
        `select count(*) || ' rows ' || coalesce(md5(string_agg(row, '' order by row)), '') as print
         from (select md5(t::text) as row from ${table.name} t) each`,
      )
      prints[table.name] = rows[0]?.print ?? ''
    }
    const { rows: objects } = await client.query<{ print: string }>(
      `select string_agg(id || ':' || md5(lo_get(content)), ' ' order by id) as print from large`,
    )
    const { rows: sequences } = await client.query<{ print: string }>(
      `select string_agg(format('%s.%s=%s', schemaname, sequencename, last_value), ' ' order by 1) as print from pg_sequences
       group by schemaname`,
    )
    prints['large objects'] = objects[0]?.print ?? ''
    prints.sequences = sequences.map((row) => row.print).join(' ')
    return prints
  })
}

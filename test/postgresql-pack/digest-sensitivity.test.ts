import { expect, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { createDatabase, createRolesOf, type DatabaseFixture } from './databases/fixture.ts'
import { useServer } from './harness.ts'
import { dropAfterTest, newName } from './round-trip.ts'

const bench = useServer()

const fixture: DatabaseFixture = {
  name: 'sensitivity',
  needs: 'owner',
  roles: ['reader'],
  steps: [
    [
      'superuser',
      `CREATE EXTENSION hstore; CREATE TABLE t (id int PRIMARY KEY, note text, n int); INSERT INTO t VALUES (1, 'a'), (2, 'b'); CREATE SEQUENCE s;
      CREATE INDEX i ON t (note); CREATE VIEW v AS SELECT id FROM t; CREATE TABLE child () INHERITS (t); CREATE TYPE e AS ENUM ('a', 'b');
      CREATE DOMAIN d AS int; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
      CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER evt ON ddl_command_start EXECUTE FUNCTION ev();
      CREATE POLICY p ON t USING (true); CREATE TABLE published (id int PRIMARY KEY); CREATE PUBLICATION pub FOR TABLE published; CREATE STATISTICS st ON id, n FROM t; SELECT lo_from_bytea(99, 'x');
      CREATE RULE r AS ON DELETE TO v DO INSTEAD NOTHING; CREATE MATERIALIZED VIEW m AS SELECT 1 AS x; CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
      ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID;`,
    ],
  ],
}

/** Changes that a restore might lose, each with the beginning of an entry of the digest that has to show it. */
const changes: readonly (readonly [sql: string, entry: string])[] = [
  [`UPDATE t SET note = 'c' WHERE id = 1`, 'rows of public.t'],
  ['DELETE FROM t WHERE id = 1', 'rows of public.t'],
  [`SELECT nextval('s')`, 'state of public.s'],
  ['REFRESH MATERIALIZED VIEW m WITH NO DATA', 'materialized view public.m'],
  [`SELECT lo_put(99, 0, 'y')`, 'large object 99'],
  ['GRANT SELECT ON LARGE OBJECT 99 TO reader', 'large object 99'],
  ['ALTER TABLE t OWNER TO reader', 'table public.t'],
  ['GRANT SELECT ON child TO reader', 'privileges on table public.child'],
  ['GRANT SELECT (note) ON t TO reader', 'column public.t.note'],
  ['GRANT USAGE ON SCHEMA public TO reader', 'schema public'],
  ['GRANT EXECUTE ON FUNCTION f() TO reader WITH GRANT OPTION', 'function public.f()'],
  ['ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader', 'default privileges of superuser'],
  [`COMMENT ON COLUMN t.note IS 'x'`, 'comment on table column public.t.note'],
  [`COMMENT ON DATABASE :"database" IS 'x'`, 'database'],
  ['ALTER DATABASE :"database" SET work_mem = 1024', 'setting of all roles: work_mem'],
  ['ALTER ROLE reader IN DATABASE :"database" SET work_mem = 1024', 'setting of role reader: work_mem'],
  ['ALTER DATABASE :"database" CONNECTION LIMIT 3', 'database'],
  ['GRANT CREATE ON DATABASE :"database" TO reader', 'database'],
  ['ALTER EXTENSION hstore SET SCHEMA information_schema', 'extension hstore'],
  ['ALTER TABLE t DISABLE TRIGGER tr', 'trigger public.t tr'],
  ['ALTER EVENT TRIGGER evt DISABLE', 'event trigger evt'],
  ['ALTER TABLE t ENABLE ROW LEVEL SECURITY', 'table public.t'],
  ['ALTER POLICY p ON t TO reader', 'policy public.t p'],
  [`ALTER PUBLICATION pub SET (publish = 'insert')`, 'publication pub'],
  ['ALTER PUBLICATION pub DROP TABLE published', 'published by pub: public.published'],
  ['ALTER TABLE t VALIDATE CONSTRAINT c', 'constraint public.t c'],
  ['ALTER TABLE t CLUSTER ON t_pkey', 'index public.t_pkey'],
  [`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass`, 'index public.i'],
  ['ALTER TABLE t ALTER note SET STORAGE EXTERNAL', 'column public.t.note'],
  ['ALTER TABLE t ALTER note SET COMPRESSION pglz', 'column public.t.note'],
  ['ALTER TABLE t ALTER note SET STATISTICS 7', 'column public.t.note'],
  [`ALTER TABLE t ALTER note SET DEFAULT 'x'`, 'column public.t.note'],
  ['ALTER TABLE t SET (fillfactor = 50)', 'table public.t'],
  ['ALTER TABLE t SET UNLOGGED', 'table public.t'],
  ['ALTER TABLE child NO INHERIT t', 'table public.child'],
  ['ALTER TABLE parted DETACH PARTITION part', 'table public.part'],
  ['ALTER STATISTICS st SET STATISTICS 5', 'statistics public.st'],
  [`ALTER TYPE e ADD VALUE 'c'`, 'type public.e'],
  ['ALTER DOMAIN d SET NOT NULL', 'type public.d'],
  ['ALTER DOMAIN d ADD CHECK (VALUE > 0) NOT VALID', 'constraint public.d'],
  ['ALTER FUNCTION f() SECURITY DEFINER', 'function public.f()'],
  ['ALTER SEQUENCE s CYCLE', 'sequence settings public.s'],
  ['CREATE OR REPLACE RULE r AS ON DELETE TO v DO INSTEAD SELECT 1', 'rule public.v r'],
  ['GRANT SELECT ON pg_authid TO reader', 'changed privileges on table pg_catalog.pg_authid'],
  ['CREATE CAST (e AS d) WITH INOUT', 'cast (public.e AS public.d)'],
  ["CREATE COLLATION col (LOCALE = 'C')", 'collation public.col'],
  ['CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple)', 'text search configuration public.ts'],
  ['CREATE FOREIGN DATA WRAPPER w', 'foreign-data wrapper w'],
]

test('every change of data, definitions, owners, privileges and settings shows in the digest, at its name', async () => {
  const { server } = bench
  const name = newName('sensitivity')
  dropAfterTest(server, name)
  await createRolesOf(server, fixture)
  await createDatabase(server, fixture, name)
  let before = await digestOf(server, name)
  const unseen: string[] = []
  for (const [sql, entry] of changes) {
    await server.sql(name, `\\set database '${name.replaceAll("'", "''")}'\nSET allow_system_table_mods = on;\n${sql}`)
    const after = await digestOf(server, name)
    const found = differences(before, after)
    if (!found.some((line) => line.slice(2).startsWith(entry))) unseen.push(`${sql}: ${found.join(' | ')}`)
    before = after
  }
  expect(unseen).toEqual([])
})

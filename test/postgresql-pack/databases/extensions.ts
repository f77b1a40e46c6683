import type { DatabaseFixture } from './fixture.ts'

const tablesOfExtensions = `CREATE TABLE profile (id int PRIMARY KEY, name ext.citext UNIQUE, attributes ext.hstore, path ext.ltree,
    token bytea DEFAULT ext.digest('x', 'sha256'), EXCLUDE USING gist (path WITH OPERATOR(ext.=)));
  CREATE INDEX profile_attributes ON profile USING gin (attributes); CREATE INDEX profile_name ON profile USING gin ((name::text) ext.gin_trgm_ops);
  INSERT INTO profile VALUES (1, 'Ada', 'a=>1, b=>NULL', 'top.a'), (2, 'Bob', '', 'bottom');
  CREATE VIEW named AS SELECT id FROM profile WHERE name OPERATOR(ext.=) 'ADA'::ext.citext; CREATE DOMAIN email AS ext.citext CHECK (VALUE OPERATOR(ext.<>) ''::ext.citext);
  CREATE FUNCTION from_profile(ext.hstore) RETURNS ext.ltree LANGUAGE sql AS 'SELECT NULL::ext.ltree';`
const migration = `ALTER TABLE profile ADD COLUMN more ext.hstore; CREATE VIEW newer AS SELECT ext.akeys(more) FROM profile; DROP DOMAIN email;
  CREATE TABLE refers (name ext.citext REFERENCES profile (name));`
const trusted = ['hstore', 'ltree', 'citext', 'pgcrypto', 'pg_trgm']

/** Trusted extensions that the owner created itself. */
export const ownExtensions: DatabaseFixture = {
  name: 'own-extensions',
  needs: 'owner',
  extensions: trusted,
  steps: [
    [
      'owner',
      `CREATE SCHEMA ext; ${trusted.map((name) => `CREATE EXTENSION ${name} SCHEMA ext;`).join(' ')} ${tablesOfExtensions} COMMENT ON EXTENSION hstore IS 'pairs';`,
    ],
  ],
  migration,
}

/** Extensions that a superuser created in the database of an application's role, some of them in older versions. */
export const extensionsOfSuperuser: DatabaseFixture = {
  name: 'extensions-of-superuser',
  needs: 'owner',
  extensions: trusted,
  roles: ['reader'],
  steps: [
    ['owner', 'CREATE SCHEMA ext'],
    [
      'superuser',
      `CREATE EXTENSION hstore SCHEMA ext VERSION '1.7'; CREATE EXTENSION pg_trgm SCHEMA ext VERSION '1.5'; CREATE EXTENSION ltree SCHEMA ext;
      CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION pgcrypto SCHEMA ext;`,
    ],
    ['owner', tablesOfExtensions],
  ],
  migration,
}

/** Extensions that only a superuser can create, with a schema of its own and with changed privileges. */
export const untrustedExtensions: DatabaseFixture = {
  name: 'untrusted-extensions',
  needs: 'superuser',
  extensions: ['postgres_fdw', 'pg_stat_statements', 'dblink', 'pageinspect'],
  steps: [
    [
      'superuser',
      'CREATE EXTENSION postgres_fdw; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION dblink; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO app',
    ],
    [
      'owner',
      `CREATE SERVER elsewhere TYPE 'x' VERSION '2' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'it''s', dbname 'other');
      CREATE USER MAPPING FOR app SERVER elsewhere OPTIONS (user 'u', password 'p'); CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'x');
      CREATE FOREIGN TABLE far (id int OPTIONS (column_name 'x'), name text NOT NULL) SERVER elsewhere OPTIONS (table_name 'near'); CREATE TABLE near (id int); INSERT INTO near VALUES (1);`,
    ],
  ],
  migration:
    "DROP FOREIGN TABLE far; CREATE FOREIGN TABLE newer (id int) SERVER elsewhere; ALTER SERVER elsewhere OPTIONS (SET host 'changed')",
}

/** PostGIS, created by a superuser, with a reference system that was added to its table. */
export const postgis: DatabaseFixture = {
  name: 'postgis',
  needs: 'superuser',
  extensions: ['postgis'],
  steps: [
    ['superuser', 'CREATE EXTENSION postgis; GRANT SELECT, INSERT ON spatial_ref_sys TO app'],
    [
      'owner',
      `CREATE TABLE place (id int PRIMARY KEY, at geometry(Point, 4326), area geography); CREATE INDEX place_at ON place USING gist (at);
      INSERT INTO place SELECT i, ST_SetSRID(ST_MakePoint(i, i / 2.0), 4326), ST_MakePoint(i, i)::geography FROM generate_series(1, 80) AS i;
      CREATE VIEW north AS SELECT * FROM place WHERE ST_Y(at) > 20; CREATE FUNCTION near(geometry) RETURNS geometry LANGUAGE sql AS 'SELECT public.ST_Buffer($1, 1)';
      INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text) SELECT 990001, 'ours', 1, srtext, proj4text FROM spatial_ref_sys WHERE srid = 4326;`,
    ],
  ],
  migration: `ALTER TABLE place ADD COLUMN line geometry(LineString, 4326); CREATE VIEW lines AS SELECT ST_Length(line) FROM place`,
}

/** pg_partman, which creates partitions by what its configuration table says. */
export const partman: DatabaseFixture = {
  name: 'pg-partman',
  needs: 'superuser',
  extensions: ['pg_partman'],
  steps: [
    ['owner', 'CREATE SCHEMA partman'],
    [
      'superuser',
      'CREATE EXTENSION pg_partman SCHEMA partman; GRANT ALL ON ALL TABLES IN SCHEMA partman TO app; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA partman TO app; GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA partman TO app',
    ],
    [
      'owner',
      `CREATE TABLE event (id bigint, at timestamptz NOT NULL, note text) PARTITION BY RANGE (at); CREATE INDEX ON event (at);
      SELECT partman.create_parent('public.event', 'at', 'native', 'daily'); INSERT INTO event SELECT i, now() + (i % 3) * interval '1 day', 'n' FROM generate_series(1, 100) AS i;`,
    ],
  ],
  migration: `UPDATE partman.part_config SET retention = '30 days'; CREATE TABLE refers (x int); TRUNCATE event`,
}

/** What only a superuser can create, in a database of a superuser. */
export const superuserDatabase: DatabaseFixture = {
  name: 'superuser-database',
  needs: 'superuser',
  ownedBy: 'superuser',
  roles: ['reader'],
  steps: [
    [
      'superuser',
      `CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER first ON ddl_command_end EXECUTE FUNCTION on_ddl();
      CREATE EVENT TRIGGER second ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION on_ddl(); ALTER EVENT TRIGGER second DISABLE;
      CREATE EVENT TRIGGER third ON ddl_command_start EXECUTE FUNCTION on_ddl(); ALTER EVENT TRIGGER third ENABLE ALWAYS; COMMENT ON EVENT TRIGGER first IS 'the first';
      CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE PUBLICATION everything FOR ALL TABLES WITH (publish_via_partition_root = true);
      CREATE FUNCTION c_function(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT AS 'upper';
      CREATE AGGREGATE percentile(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
      CREATE OPERATOR CLASS backwards FOR TYPE int4 USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(int4, int4);
      CREATE INDEX ON t (id backwards); CREATE TYPE own_int; CREATE FUNCTION own_int_in(cstring) RETURNS own_int LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
      CREATE FUNCTION own_int_out(own_int) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out'; CREATE TYPE own_int (INPUT = own_int_in, OUTPUT = own_int_out, LIKE = int4, CATEGORY = 'N');
      CREATE CAST (own_int AS int4) WITHOUT FUNCTION AS IMPLICIT; CREATE TABLE of_own (s own_int); INSERT INTO of_own VALUES ('5');
      CREATE FUNCTION definer() RETURNS name LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user'; GRANT EXECUTE ON FUNCTION pg_read_file(text) TO reader;
      CREATE ACCESS METHOD own_heap TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE in_own_heap (id int) USING own_heap; ALTER DATABASE :"database" SET log_statement = 'none';`,
    ],
  ],
  migration: `ALTER EVENT TRIGGER first DISABLE; CREATE TABLE newer (id int); DROP PUBLICATION everything; ALTER TABLE t ADD COLUMN s own_int`,
}

import type { DatabaseFixture } from './fixture.ts'

/** Privileges that the owner itself granted: to roles, on columns, by default, and policies for roles. */
export const grants: DatabaseFixture = {
  name: 'grants',
  needs: 'owner',
  roles: ['reader', 'writer', 'odd "role" name'],
  steps: [
    [
      'owner',
      `CREATE SCHEMA private; GRANT USAGE ON SCHEMA private TO reader, writer; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO reader;
      CREATE TABLE account (id int PRIMARY KEY, holder name NOT NULL, balance numeric, secret text);
      INSERT INTO account SELECT i, CASE i % 2 WHEN 0 THEN 'reader' ELSE 'writer' END, i * 10, md5(i::text) FROM generate_series(1, 100) AS i;
      ALTER TABLE account ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON account FOR SELECT TO reader, writer USING (holder = current_user);
      CREATE POLICY change ON account FOR UPDATE TO writer USING (holder = current_user) WITH CHECK (balance >= 0);
      CREATE POLICY narrow ON account AS RESTRICTIVE FOR ALL TO "odd ""role"" name" USING (id < 10); CREATE POLICY everybody ON account FOR DELETE TO PUBLIC USING (false);
      GRANT SELECT (id, holder) ON account TO PUBLIC; GRANT SELECT (balance), UPDATE (balance) ON account TO writer WITH GRANT OPTION;
      GRANT SELECT ON account TO reader; REVOKE TRUNCATE ON account FROM app;
      CREATE FUNCTION guarded() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; REVOKE ALL ON FUNCTION guarded() FROM PUBLIC; GRANT EXECUTE ON FUNCTION guarded() TO writer;
      CREATE TYPE guarded_type AS ENUM ('a'); REVOKE USAGE ON TYPE guarded_type FROM PUBLIC; GRANT USAGE ON TYPE guarded_type TO reader;
      CREATE SEQUENCE guarded_sequence; GRANT USAGE ON SEQUENCE guarded_sequence TO reader; SELECT nextval('guarded_sequence');
      CREATE VIEW shown AS SELECT id FROM account; GRANT SELECT ON shown TO "odd ""role"" name" WITH GRANT OPTION;
      ALTER DEFAULT PRIVILEGES IN SCHEMA private GRANT SELECT ON TABLES TO reader; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO writer WITH GRANT OPTION;
      ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
      CREATE TABLE private.later (id int); CREATE FUNCTION private.later() RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE PUBLICATION some_tables FOR TABLE account, private.later WITH (publish = 'insert'); CREATE PUBLICATION nothing;
      COMMENT ON POLICY own ON account IS 'own rows'; COMMENT ON PUBLICATION some_tables IS 'some tables';`,
    ],
  ],
  migration: `DROP POLICY own ON account; ALTER TABLE account DISABLE ROW LEVEL SECURITY; GRANT ALL ON account TO reader; DROP PUBLICATION some_tables;
    ALTER DEFAULT PRIVILEGES IN SCHEMA private GRANT ALL ON TABLES TO writer; CREATE TABLE private.newer (id int); CREATE PUBLICATION newer FOR TABLE private.newer`,
}

/** Objects that belong to other roles of the application, and privileges that those granted further. */
export const severalOwners: DatabaseFixture = {
  name: 'several-owners',
  needs: 'creator',
  roles: ['owner_one', 'owner_two', 'reader'],
  memberOf: ['owner_one', 'owner_two'],
  steps: [
    [
      'owner',
      `GRANT CREATE ON DATABASE :"database" TO owner_one; GRANT ALL ON SCHEMA public TO owner_one, owner_two;
      CREATE TABLE base (id int PRIMARY KEY); INSERT INTO base SELECT generate_series(1, 10); GRANT ALL ON base TO owner_one WITH GRANT OPTION;`,
    ],
    [
      'owner_one',
      `CREATE SCHEMA one; CREATE TABLE one.data (id int REFERENCES base, note text); INSERT INTO one.data VALUES (1, 'of one'); GRANT SELECT ON base TO owner_two WITH GRANT OPTION;
      GRANT USAGE ON SCHEMA one TO owner_two; GRANT SELECT ON one.data TO owner_two WITH GRANT OPTION; CREATE VIEW one.seen AS SELECT * FROM base;
      CREATE FUNCTION one.definer() RETURNS name LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user'; CREATE TYPE one.kind AS ENUM ('x'); CREATE SEQUENCE one.counter;
      CREATE FUNCTION one.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON one.data FOR EACH ROW EXECUTE FUNCTION one.f();
      ALTER DEFAULT PRIVILEGES IN SCHEMA one GRANT SELECT ON TABLES TO reader; SELECT lo_from_bytea(5001, 'of one'); CREATE PUBLICATION of_one FOR TABLE one.data;`,
    ],
    [
      'owner_two',
      `GRANT SELECT ON one.data TO reader; GRANT SELECT ON base TO reader WITH GRANT OPTION; CREATE MATERIALIZED VIEW of_two AS SELECT * FROM one.data; CREATE TABLE two (id int PRIMARY KEY);
      INSERT INTO two VALUES (7); CREATE DOMAIN two_domain AS int CHECK (VALUE > 0); CREATE STATISTICS two_statistics ON id, (id + 1) FROM two; SELECT lo_from_bytea(5002, 'of two');`,
    ],
    ['reader', 'GRANT SELECT ON base TO PUBLIC'],
  ],
  migration: `DROP TABLE base CASCADE; CREATE TABLE newer (id int REFERENCES two); ALTER TABLE newer OWNER TO owner_two`,
}

/** What belongs to the database itself and its owner may set. */
export const databaseSettings: DatabaseFixture = {
  name: 'database-settings',
  needs: 'owner',
  roles: ['reader', 'writer'],
  steps: [
    [
      'owner',
      `CREATE SCHEMA inner_schema; CREATE TABLE inner_schema.found (id int); INSERT INTO inner_schema.found VALUES (1);
      ALTER DATABASE :"database" SET search_path = inner_schema, public; ALTER DATABASE :"database" SET timezone = 'Pacific/Auckland';
      ALTER DATABASE :"database" SET datestyle = 'SQL, DMY'; ALTER DATABASE :"database" SET statement_timeout = '5ms'; ALTER DATABASE :"database" SET idle_in_transaction_session_timeout = '5ms';
      ALTER DATABASE :"database" SET default_transaction_read_only = on; ALTER DATABASE :"database" SET application_name = E'it''s\\na \\\\! name';
      ALTER DATABASE :"database" SET lock_timeout = '1ms'; ALTER DATABASE :"database" SET standard_conforming_strings = off; ALTER DATABASE :"database" SET client_encoding = 'LATIN1';
      ALTER DATABASE :"database" CONNECTION LIMIT 17;`,
    ],
    [
      'superuser',
      `SET default_transaction_read_only = off; SET statement_timeout = 0; SET standard_conforming_strings = on;
      COMMENT ON DATABASE :"database" IS E'it''s the "live"\\none \\\\! database'; SET SESSION AUTHORIZATION app;
      REVOKE ALL ON DATABASE :"database" FROM PUBLIC; GRANT CONNECT ON DATABASE :"database" TO reader WITH GRANT OPTION; GRANT CONNECT, TEMPORARY, CREATE ON DATABASE :"database" TO writer;`,
    ],
  ],
  migration: `SET default_transaction_read_only = off; CREATE TABLE newer (id int)`,
}

/** Settings of roles in the database, which only an account that may change those roles can set. */
export const roleSettings: DatabaseFixture = {
  name: 'role-settings',
  needs: 'creator',
  roles: ['reader', 'writer'],
  steps: [
    [
      'owner',
      `CREATE TABLE t (id int); ALTER ROLE app IN DATABASE :"database" SET search_path = 'public'; ALTER ROLE app IN DATABASE :"database" SET statement_timeout = '5ms';`,
    ],
    [
      'superuser',
      `ALTER ROLE reader IN DATABASE :"database" SET default_transaction_read_only = on; ALTER ROLE writer IN DATABASE :"database" SET work_mem = '7MB';
      ALTER ROLE writer IN DATABASE :"database" SET search_path = '"$user"', 'it''s', public; ALTER ROLE app IN DATABASE :"database" SET lock_timeout = '1ms'`,
    ],
  ],
  migration: 'CREATE TABLE newer (id int)',
}

/** What belongs to the owner, and the owner still may not read: only a superuser can back it up. */
export const beyondTheOwner: DatabaseFixture = {
  name: 'beyond-the-owner',
  needs: 'superuser',
  steps: [
    [
      'owner',
      `CREATE TABLE forced (id int, holder name DEFAULT current_user); INSERT INTO forced VALUES (1, DEFAULT), (3, 'reader');
      ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY mine ON forced USING (holder = current_user);
      ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM app; CREATE TABLE locked_away (id int); CREATE TABLE revoked (id int); REVOKE ALL ON revoked FROM app;
      SELECT lo_from_bytea(4713, 'locked away'); REVOKE ALL ON LARGE OBJECT 4713 FROM app;`,
    ],
  ],
  migration: 'CREATE TABLE newer (id int); DROP TABLE revoked',
}

import { attack, type Trap } from './hostile-sql.ts'

/**
 * What an attacker can put into a dump who is superuser on a server of their own that has roles of the same names: `superuser`,
 * `creator`, another customer's `tenant`, and his own `app`. Each as SQL of that superuser.
 */
export const foreignObjects: Record<string, (trap: Trap) => string> = {
  'a SECURITY DEFINER function of the superuser': (trap) =>
    `CREATE FUNCTION backdoor() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $a$ ${attack(trap)} $a$; GRANT EXECUTE ON FUNCTION backdoor() TO app;`,
  'a SECURITY DEFINER function of another customer': (trap) =>
    `CREATE FUNCTION backdoor() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $a$ ${attack(trap)} $a$; ALTER FUNCTION backdoor() OWNER TO tenant;`,
  'an event trigger': (trap) =>
    `CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $a$ ${attack(trap)} $a$; ALTER FUNCTION on_ddl() OWNER TO app;
    CREATE EVENT TRIGGER trap ON ddl_command_end EXECUTE FUNCTION on_ddl(); CREATE EVENT TRIGGER at_start ON ddl_command_start EXECUTE FUNCTION on_ddl();`,
  'tables with attacking constraints of the superuser and of another customer': (trap) =>
    `CREATE FUNCTION f(int) RETURNS boolean LANGUAGE plpgsql AS $a$ ${attack(trap).replace(/ END;$/, ' RETURN true; END;')} $a$; ALTER FUNCTION f(int) OWNER TO app;
    CREATE TABLE of_superuser (id int CHECK (f(id))); INSERT INTO of_superuser VALUES (1); CREATE TABLE of_tenant (LIKE of_superuser INCLUDING ALL); INSERT INTO of_tenant VALUES (1);
    ALTER TABLE of_tenant OWNER TO tenant; CREATE TABLE of_creator (LIKE of_superuser INCLUDING ALL); ALTER TABLE of_creator OWNER TO creator;`,
  'views of the superuser that show secrets': () =>
    `CREATE VIEW secrets AS SELECT rolname, rolpassword FROM pg_authid; GRANT SELECT ON secrets TO app;
    CREATE MATERIALIZED VIEW stored_secrets AS SELECT rolname, rolpassword FROM pg_authid; GRANT SELECT ON stored_secrets TO app; CREATE TABLE t (id int);
    ALTER TABLE t OWNER TO app; CREATE MATERIALIZED VIEW files AS SELECT pg_read_file('PG_VERSION'); GRANT SELECT ON files TO app;`,
  'privileges that the superuser and another customer would grant': () =>
    `ALTER DEFAULT PRIVILEGES FOR ROLE superuser GRANT ALL ON TABLES TO app; ALTER DEFAULT PRIVILEGES FOR ROLE tenant GRANT ALL ON TABLES TO app;
    ALTER DEFAULT PRIVILEGES FOR ROLE superuser GRANT ALL ON FUNCTIONS TO app; GRANT EXECUTE ON FUNCTION pg_read_file(text) TO app; GRANT SELECT ON pg_authid TO app;
    GRANT ALL ON SCHEMA pg_catalog TO app; CREATE TABLE t (id int); ALTER TABLE t OWNER TO app;`,
  'settings that only a superuser may set': () =>
    `ALTER DATABASE :"database" SET log_statement = 'none'; ALTER DATABASE :"database" SET session_replication_role = 'replica';
    ALTER ROLE superuser IN DATABASE :"database" SET search_path = evil, pg_catalog; ALTER ROLE tenant IN DATABASE :"database" SET statement_timeout = 1;
    GRANT ALL ON DATABASE :"database" TO tenant WITH GRANT OPTION; CREATE TABLE t (id int); ALTER TABLE t OWNER TO app;`,
  'functions in languages that only a superuser may use': () =>
    `CREATE FUNCTION run(text) RETURNS text LANGUAGE internal AS 'pg_read_file_all'; ALTER FUNCTION run(text) OWNER TO app;
    CREATE FUNCTION c_run(text) RETURNS text LANGUAGE internal AS 'upper'; CREATE CAST (text AS int4) WITH INOUT AS IMPLICIT; CREATE TABLE t (id int); ALTER TABLE t OWNER TO app;`,
  'extensions that reach files and other servers': () =>
    `CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; GRANT USAGE ON FOREIGN SERVER files TO app; CREATE EXTENSION adminpack;
    CREATE FOREIGN TABLE passwd (line text) SERVER files OPTIONS (filename '/etc/passwd'); ALTER FOREIGN TABLE passwd OWNER TO app; CREATE TABLE t (id int); ALTER TABLE t OWNER TO app;`,
  'publications and large objects of the superuser': () =>
    `CREATE PUBLICATION everything FOR ALL TABLES; SELECT lo_from_bytea(666, 'of the superuser'); SELECT lo_from_bytea(667, 'of tenant'); ALTER LARGE OBJECT 667 OWNER TO tenant;
    CREATE SUBSCRIPTION sub CONNECTION 'host=127.0.0.1 dbname=postgres' PUBLICATION p WITH (connect = false, slot_name = NONE); CREATE TABLE t (id int); ALTER TABLE t OWNER TO app;`,
}

/** Everything in a database that an ordinary owner could not have, each as a line; nothing if the restore was harmless. */
export const foreignOwnership = `SET search_path = pg_catalog;
  WITH other AS (SELECT oid, rolname FROM pg_roles WHERE rolname IN ('superuser', 'creator', 'tenant'))
  SELECT format('%s %s of %s', c.relkind, c.oid::regclass, o.rolname) FROM pg_class AS c JOIN other AS o ON o.oid = c.relowner WHERE c.oid >= 16384
    AND c.relnamespace <> 'pg_toast'::regnamespace AND c.relkind <> 'c' AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype IN ('e'))
  UNION ALL SELECT format('function %s of %s', p.oid::regprocedure, o.rolname) FROM pg_proc AS p JOIN other AS o ON o.oid = p.proowner WHERE p.oid >= 16384
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype IN ('e'))
  UNION ALL SELECT format('large object %s of %s', l.oid, o.rolname) FROM pg_largeobject_metadata AS l JOIN other AS o ON o.oid = l.lomowner
  UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
  UNION ALL SELECT 'publication of all tables ' || pubname FROM pg_publication WHERE puballtables
  UNION ALL SELECT 'subscription ' || subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL SELECT 'function in an untrusted language: ' || p.oid::regprocedure FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang WHERE p.oid >= 16384 AND NOT l.lanpltrusted
    AND l.lanname <> 'sql' AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype IN ('e'))
  UNION ALL SELECT 'cast without a function: ' || castsource::regtype || ' to ' || casttarget::regtype FROM pg_cast WHERE oid >= 16384 AND castsource = 'text'::regtype
  UNION ALL SELECT 'default privileges of ' || o.rolname FROM pg_default_acl AS d JOIN other AS o ON o.oid = d.defaclrole
  UNION ALL SELECT format('setting of %s: %s', coalesce(nullif(setrole, 0)::regrole::text, 'all'), setconfig) FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (setrole IN (SELECT oid FROM other) OR setconfig::text ~ 'log_statement|session_replication')
  UNION ALL SELECT 'extension ' || extname FROM pg_extension WHERE extname IN ('file_fdw', 'adminpack')
  UNION ALL SELECT 'privileges on a system object: ' || c.oid::regclass FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE c.oid < 16384 AND a.grantee = 'app'::regrole
  UNION ALL SELECT 'privileges on a system object: ' || p.oid::regprocedure FROM pg_proc AS p, aclexplode(p.proacl) AS a WHERE p.oid < 16384 AND a.grantee = 'app'::regrole
  UNION ALL SELECT 'privileges on pg_catalog' FROM pg_namespace AS n, aclexplode(n.nspacl) AS a WHERE n.nspname = 'pg_catalog' AND a.grantee = 'app'::regrole
  UNION ALL SELECT 'a file of the server: ' || c.oid::regclass FROM pg_class AS c WHERE c.relname IN ('stored_secrets', 'files') AND c.relkind = 'm' AND c.relispopulated`

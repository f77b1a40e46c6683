import { quoteLiteral } from './databases/fixture.ts'
import { isFullMatrix } from './matrix.ts'

/** Where an attack would leave a trace outside of the database. */
export interface Trap {
  /** A file that a shell command of the attack would create. */
  file: string
}

/**
 * The body of a function that tries everything that the rights of its caller could allow, after it tried to become the user who
 * logged in. It notes whom it ran as in the table `attack_log`.
 */
export function attack({ file }: Trap): string {
  const shell = `COPY (SELECT 1) TO PROGRAM ${quoteLiteral(`touch ${file}`)}`
  const attempts = [
    'RESET ROLE',
    'RESET SESSION AUTHORIZATION',
    'SET ROLE superuser',
    'SET SESSION AUTHORIZATION superuser',
    'SET ROLE NONE',
    'ALTER ROLE app SUPERUSER',
    'ALTER ROLE app CREATEDB CREATEROLE REPLICATION BYPASSRLS',
    'GRANT pg_execute_server_program, pg_write_server_files, pg_read_server_files TO app',
    'GRANT superuser TO app',
    'GRANT creator TO app',
    'GRANT tenant TO app',
    'CREATE ROLE intruder SUPERUSER LOGIN',
    "ALTER ROLE tenant PASSWORD 'known'",
    "ALTER ROLE superuser SET search_path = 'evil'",
    'ALTER DATABASE postgres OWNER TO app',
    'GRANT ALL ON DATABASE tenant TO app',
    'CREATE EXTENSION IF NOT EXISTS dblink',
    "ALTER SYSTEM SET log_statement = 'all'",
    shell,
  ]
  const guarded = attempts.map((sql) => `BEGIN EXECUTE ${quoteLiteral(sql)}; EXCEPTION WHEN OTHERS THEN NULL; END;`)
  const note = `BEGIN INSERT INTO public.attack_log VALUES (session_user, current_user, current_setting('is_superuser'));
    EXCEPTION WHEN OTHERS THEN NULL; END;`
  return `BEGIN ${note} ${guarded.join(' ')} ${note} END;`
}

/** What every attack needs: the log, and functions of each kind that attack their caller. */
function foundation(trap: Trap): string {
  const body = attack(trap)
  return `CREATE TABLE attack_log (session_role name, current_role_ name, is_superuser text); GRANT ALL ON attack_log TO PUBLIC;
    CREATE FUNCTION run_attack() RETURNS void LANGUAGE plpgsql AS $attack$ ${body} $attack$;
    CREATE FUNCTION volatile_true(anyelement) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM public.run_attack(); RETURN true; END';
    CREATE FUNCTION immutable_true(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.run_attack(); RETURN true; END';
    CREATE FUNCTION immutable_int(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.run_attack(); RETURN $1; END';
    CREATE FUNCTION as_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.run_attack(); RETURN NEW; END';
    CREATE FUNCTION definer() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN PERFORM public.run_attack(); END';`
}

/** Attacks by objects that an ordinary owner can create, each as the owner's SQL: it calls the functions of the foundation. */
const attackingObjects: Record<string, string> = {
  'a CHECK constraint': `CREATE TABLE victim (id int CHECK (volatile_true(id))); INSERT INTO victim VALUES (1), (2);`,
  'a domain, a default, a generated column and a row type': `CREATE DOMAIN trap AS int DEFAULT immutable_int(1) CHECK (volatile_true(VALUE));
    CREATE TABLE victim (id trap, x int DEFAULT immutable_int(3), g int GENERATED ALWAYS AS (immutable_int(1)) STORED); INSERT INTO victim (id) VALUES (1), (2);
    CREATE TYPE pair AS (a trap); CREATE TABLE pairs (p pair); INSERT INTO pairs VALUES ('(1)');`,
  'triggers of every state': `CREATE TABLE victim (id int PRIMARY KEY); INSERT INTO victim VALUES (1);
    CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON victim FOR EACH ROW EXECUTE FUNCTION as_trigger(); ALTER TABLE victim ENABLE ALWAYS TRIGGER a;
    CREATE TRIGGER b AFTER TRUNCATE ON victim FOR EACH STATEMENT EXECUTE FUNCTION as_trigger(); CREATE TRIGGER c AFTER INSERT ON victim FOR EACH ROW EXECUTE FUNCTION as_trigger();
    ALTER TABLE victim ENABLE REPLICA TRIGGER c;`,
  'indexes, exclusion constraints and statistics': `CREATE TABLE victim (id int); INSERT INTO victim SELECT generate_series(1, 5); CREATE INDEX ON victim (immutable_int(id)); CREATE INDEX ON victim (id) WHERE immutable_true(id);
    CREATE UNIQUE INDEX ON victim ((immutable_int(id) + 1)); CREATE STATISTICS s ON id, immutable_int(id) FROM victim;
    CREATE TABLE part (id int) PARTITION BY RANGE (immutable_int(id)); CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (9); INSERT INTO part VALUES (1);`,
  'operators, casts and aggregates': `CREATE TYPE odd AS (x int); CREATE FUNCTION odd_eq(odd, odd) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.run_attack(); RETURN true; END';
    CREATE FUNCTION odd_text(odd) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.run_attack(); RETURN $1.x; END';
    CREATE OPERATOR = (FUNCTION = odd_eq, LEFTARG = odd, RIGHTARG = odd); CREATE CAST (odd AS text) WITH FUNCTION odd_text(odd) AS IMPLICIT;
    CREATE TABLE victim (o odd, t text GENERATED ALWAYS AS (odd_text(o)) STORED, CHECK (o = ROW(1)::odd), CHECK ((o::text) <> 'x')); INSERT INTO victim VALUES ('(1)');
    CREATE AGGREGATE evil_sum(int) (SFUNC = int4pl, STYPE = int, FINALFUNC = immutable_int); CREATE MATERIALIZED VIEW summed AS SELECT evil_sum(length(t)) FROM victim;`,
  'views, rules and materialized views': `CREATE TABLE victim (id int); INSERT INTO victim VALUES (1); CREATE MATERIALIZED VIEW stored AS SELECT id, volatile_true(id) AS t, definer() IS NULL AS d FROM victim;
    CREATE MATERIALIZED VIEW of_stored AS SELECT * FROM stored WHERE volatile_true(id); CREATE UNIQUE INDEX ON stored (immutable_int(id));
    CREATE VIEW seen AS SELECT volatile_true(id) FROM victim; CREATE RULE r AS ON INSERT TO victim DO ALSO SELECT run_attack();
    ALTER TABLE victim ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON victim USING (volatile_true(id)) WITH CHECK (volatile_true(id));`,
  'constraints that are validated late': `CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE victim (id int REFERENCES parent, n int); INSERT INTO parent VALUES (1); INSERT INTO victim VALUES (1, 1);
    ALTER TABLE victim ADD CONSTRAINT late CHECK (volatile_true(n)) NOT VALID; CREATE DOMAIN d AS int; CREATE TABLE of_d (d d); INSERT INTO of_d VALUES (1);
    ALTER DOMAIN d ADD CONSTRAINT late CHECK (volatile_true(VALUE)) NOT VALID;`,
}

const shadows =
  () => `CREATE SCHEMA evil; ${shadowing()} ALTER DATABASE :"database" SET search_path = evil, public, pg_catalog;
    ALTER ROLE app SET search_path = evil, public, pg_catalog; CREATE TABLE victim (id int); INSERT INTO victim VALUES (1);`

/** All attacking objects in one database, in a schema for each attack. */
function allObjects(): string {
  return Object.values(attackingObjects)
    .map((sql, i) => `CREATE SCHEMA attack_${i}; SET search_path = attack_${i}, public;\n${sql}`)
    .join('\n')
}

/** Databases that attack, each as the owner's SQL. */
export const attacks: Record<string, (trap: Trap) => string> = {
  ...(isFullMatrix
    ? Object.fromEntries(
        Object.entries(attackingObjects).map(([what, sql]) => [what, (trap: Trap) => `${foundation(trap)}\n${sql}`]),
      )
    : { [Object.keys(attackingObjects).join('; ')]: (trap: Trap) => `${foundation(trap)}\n${allObjects()}` }),
  'functions and tables that stand before those of pg_catalog': (trap) => `${foundation(trap)}\n${shadows()}`,
  'names that are commands of psql': (trap) =>
    `CREATE TABLE attack_log (session_role name, current_role_ name, is_superuser text); ${metaCommandNames(trap)}`,
}

/** Versions of common functions, operators and catalogs that a query without qualified names would use. */
function shadowing(): string {
  const functions = [
    'quote_ident',
    'quote_literal',
    'pg_get_userbyid',
    'pg_size_pretty',
    'format',
    'lower',
    'current_setting',
    'current_database',
    'count',
    'string_agg',
  ]
  const ofText = functions.map(
    (
      name,
    ) => `CREATE FUNCTION evil.${name}(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM public.run_attack(); RETURN $1; END';
    CREATE FUNCTION evil.${name}(name) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM public.run_attack(); RETURN $1; END';`,
  )
  const operators = ['name, name', 'oid, oid', 'text, text', '"char", "char"'].map((types, i) => {
    const [left, right] = types.split(', ')
    return `CREATE FUNCTION evil.eq${i}(${types}) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM public.run_attack(); RETURN true; END';
      CREATE OPERATOR evil.= (FUNCTION = evil.eq${i}, LEFTARG = ${left}, RIGHTARG = ${right}); CREATE OPERATOR evil.<> (FUNCTION = evil.eq${i}, LEFTARG = ${left}, RIGHTARG = ${right});`
  })
  const catalogs = [
    'pg_database',
    'pg_roles',
    'pg_class',
    'pg_namespace',
    'pg_extension',
    'pg_stat_activity',
    'pg_depend',
  ].map((name) => `CREATE VIEW evil.${name} AS SELECT *, public.volatile_true(1) AS trap FROM pg_catalog.${name};`)
  return [...ofText, ...operators, ...catalogs].join('\n')
}

/** Objects whose names and texts run a shell command in a script that psql reads, where they are not quoted well enough. */
function metaCommandNames({ file }: Trap): string {
  const command = `\n\\! touch ${file}\n`
  const name = `"x${command}"`
  const second = `"y'); ${command}--"`
  const text = `E${quoteLiteral(command.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'))}`
  return `CREATE SCHEMA ${name}; CREATE TABLE ${name}.${name} (${name} int CONSTRAINT ${name} CHECK (${name} > 0)); CREATE INDEX ${second} ON ${name}.${name} (${name});
    INSERT INTO ${name}.${name} VALUES (1); CREATE TABLE lines (t text); INSERT INTO lines VALUES (${text}), (E'\\\\.'), (E'\\\\.\\n\\\\! touch ${file}');
    CREATE FUNCTION ${second}() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN NEW; END ${command.replaceAll('\\', '-- \\')} $f$; CREATE TRIGGER ${name} BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION ${second}();
    CREATE POLICY ${name} ON lines USING (true); CREATE TYPE ${second} AS ENUM (${quoteLiteral(command)}); CREATE DOMAIN ${name} AS text DEFAULT ${text}; CREATE SEQUENCE "z'); ${command}--";
    CREATE VIEW "v${command}" AS SELECT t AS ${name} FROM lines; CREATE PUBLICATION ${name} FOR TABLE lines; COMMENT ON TABLE lines IS ${text}; COMMENT ON SCHEMA ${name} IS ${text};
    SELECT lo_create(4711); COMMENT ON LARGE OBJECT 4711 IS ${text}; ALTER DATABASE :"database" SET application_name = ${text}; ALTER DATABASE :"database" SET search_path = ${name}, public, pg_catalog;
    CREATE STATISTICS ${name}.${second} ON t, (t || 'x') FROM lines;`
}

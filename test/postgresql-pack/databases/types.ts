import type { DatabaseFixture } from './fixture.ts'

/** Types, functions, operators and casts of an application, and what text search has. */
export const typesAndFunctions: DatabaseFixture = {
  name: 'types-and-functions',
  needs: 'owner',
  steps: [
    [
      'owner',
      `CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); ALTER TYPE mood ADD VALUE 'calm' BEFORE 'ok';
      CREATE TYPE point3 AS (x int, y int, "z z" numeric(5, 2)); COMMENT ON COLUMN point3.x IS 'abscissa';
      CREATE FUNCTION length_of(a text, b text) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT 1.0::float8';
      CREATE TYPE textrange AS RANGE (subtype = text, multirange_type_name = textranges, collation = "C");
      CREATE TABLE allowed (code text PRIMARY KEY); INSERT INTO allowed VALUES ('a'), ('b');
      CREATE FUNCTION is_allowed(text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public
        AS 'SELECT EXISTS (SELECT FROM allowed WHERE code = $1)';
      CREATE FUNCTION is_short(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN length($1) < 20; END';
      CREATE DOMAIN code AS text COLLATE "C" DEFAULT 'a' NOT NULL CONSTRAINT short CHECK (is_short(VALUE));
      CREATE DOMAIN codes AS code[] CHECK (array_length(VALUE, 1) < 5);
      CREATE TABLE thing (id int PRIMARY KEY, code code, many codes, mood mood, at point3, during textrange, whiles textranges,
        CHECK (is_short(code)), UNIQUE (code));
      INSERT INTO thing VALUES (1, 'a', '{a,b}', 'calm', '(1,2,3.5)', '[a,c)', '{[a,b),[c,d)}'), (2, 'b', NULL, 'happy', NULL, NULL, NULL);
      CREATE FUNCTION twice(IN a int, OUT b int, OUT c text) LANGUAGE sql AS 'SELECT a * 2, a::text';
      CREATE FUNCTION many(VARIADIC a int[] DEFAULT '{1}') RETURNS SETOF thing LANGUAGE sql STABLE ROWS 5 COST 50 AS 'SELECT * FROM public.thing';
      CREATE FUNCTION as_table(n int) RETURNS TABLE (i int, t thing) LANGUAGE plpgsql SECURITY DEFINER STRICT
        SET search_path = public, pg_temp SET work_mem = '8MB' AS $$ BEGIN RETURN QUERY SELECT id, thing FROM thing WHERE id < n; END $$;
      CREATE FUNCTION atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT count(*)::int + a FROM thing; END;
      CREATE PROCEDURE remove(INOUT n int) LANGUAGE plpgsql AS 'BEGIN DELETE FROM thing WHERE id = n; COMMIT; END';
      CREATE FUNCTION polymorphic(a anyelement, b anyarray) RETURNS anyarray LANGUAGE sql AS 'SELECT b || a';
      CREATE FUNCTION add_mood(state int, mood) RETURNS int LANGUAGE sql AS 'SELECT state + 1';
      CREATE AGGREGATE moods(mood) (SFUNC = add_mood, STYPE = int, INITCOND = '0', PARALLEL = SAFE);
      CREATE FUNCTION same_point(point3, point3) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.x = $2.x AND $1.y = $2.y';
      CREATE OPERATOR === (FUNCTION = same_point, LEFTARG = point3, RIGHTARG = point3, COMMUTATOR = ===, RESTRICT = eqsel, JOIN = eqjoinsel);
      CREATE FUNCTION to_text(point3) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.x || '';'' || $1.y';
      CREATE CAST (point3 AS text) WITH FUNCTION to_text(point3) AS ASSIGNMENT;
      CREATE TABLE converted (p point3, t text GENERATED ALWAYS AS (to_text(p)) STORED, EXCLUDE (t WITH =)); INSERT INTO converted VALUES ('(4,5,6)');
      CREATE COLLATION german (LOCALE = 'C'); CREATE TABLE sorted (name text COLLATE german); INSERT INTO sorted VALUES ('ä'), ('z');
      CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple, STOPWORDS = english); CREATE TEXT SEARCH CONFIGURATION own (COPY = simple);
      ALTER TEXT SEARCH CONFIGURATION own ALTER MAPPING FOR asciiword WITH words, simple; COMMENT ON TEXT SEARCH CONFIGURATION own IS 'of our own';
      CREATE TABLE document (body text, tsv tsvector GENERATED ALWAYS AS (to_tsvector('own', body)) STORED); CREATE INDEX ON document USING gin (tsv);
      INSERT INTO document VALUES ('The quick brown fox'), ('jumps over');
      CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
      COMMENT ON TYPE mood IS 'how one feels'; COMMENT ON FUNCTION is_short(text) IS 'short'; COMMENT ON DOMAIN code IS 'code';
      COMMENT ON CONSTRAINT short ON DOMAIN code IS 'constraint'; COMMENT ON AGGREGATE moods(mood) IS 'aggregate'; COMMENT ON OPERATOR === (point3, point3) IS 'op';
      COMMENT ON CAST (point3 AS text) IS 'cast';`,
    ],
    ['superuser', `COMMENT ON SCHEMA public IS 'ours'`],
  ],
  migration: `ALTER TYPE mood ADD VALUE 'angry'; ALTER TABLE thing ADD COLUMN newer mood DEFAULT 'angry'; DROP FUNCTION as_table(int);
    CREATE FUNCTION uses_domain(code) RETURNS point3 LANGUAGE sql AS 'SELECT NULL::public.point3'; CREATE TABLE refers (code text REFERENCES thing (code));
    DROP TEXT SEARCH CONFIGURATION own CASCADE; COMMENT ON SCHEMA public IS NULL; CREATE OPERATOR ==== (FUNCTION = same_point, LEFTARG = point3, RIGHTARG = point3)`,
}

/** Large objects with owners, privileges and comments. */
export const largeObjects: DatabaseFixture = {
  name: 'large-objects',
  needs: 'owner',
  roles: ['reader'],
  steps: [
    [
      'owner',
      `SELECT lo_from_bytea(4711, 'the first'); SELECT lo_from_bytea(4712, decode(repeat('00ff5c0a', 10000), 'hex')); SELECT lo_create(4713);
      GRANT SELECT ON LARGE OBJECT 4711 TO reader; GRANT SELECT, UPDATE ON LARGE OBJECT 4712 TO PUBLIC; REVOKE UPDATE ON LARGE OBJECT 4713 FROM app;
      COMMENT ON LARGE OBJECT 4711 IS E'it''s\\nlarge'; CREATE TABLE image (id int PRIMARY KEY, content oid); INSERT INTO image VALUES (1, 4711), (2, 4712);`,
    ],
  ],
  migration: `SELECT lo_unlink(4711), lo_put(4712, 0, 'changed'), lo_from_bytea(4714, 'new'); GRANT ALL ON LARGE OBJECT 4713 TO reader`,
}

/** Rows and names that are not Unicode. */
export const latin1: DatabaseFixture = {
  name: 'latin1',
  needs: 'owner',
  options: `ENCODING 'LATIN1' LOCALE 'C'`,
  steps: [
    [
      'owner',
      `CREATE TABLE "größe" (name text, CHECK (name <> 'ß')); INSERT INTO "größe" VALUES ('äöü'), (E'\\u00e9'), ('x');
      COMMENT ON TABLE "größe" IS 'Größe'; CREATE VIEW "größte" AS SELECT max(name) AS "größte" FROM "größe";`,
    ],
  ],
}

/** Bytes of no encoding at all. */
export const sqlAscii: DatabaseFixture = {
  name: 'sql-ascii',
  needs: 'owner',
  options: `ENCODING 'SQL_ASCII' LOCALE 'C'`,
  steps: [
    [
      'owner',
      `CREATE TABLE bytes (name text DEFAULT E'\\xe9\\xff'); INSERT INTO bytes VALUES (E'\\xe4\\xf6'), (DEFAULT), ('ä');
      CREATE TABLE "größe" (x int);`,
    ],
  ],
}

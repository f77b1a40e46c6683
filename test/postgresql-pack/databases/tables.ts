import type { DatabaseFixture } from './fixture.ts'

/** Partitions of every kind, of partitions, and one that was detached. */
export const partitions: DatabaseFixture = {
  name: 'partitions',
  needs: 'owner',
  steps: [
    [
      'owner',
      `CREATE TABLE reading (id int, at date NOT NULL, region text NOT NULL, value numeric, PRIMARY KEY (id, at, region))
        PARTITION BY RANGE (at);
      CREATE TABLE reading_2023 PARTITION OF reading FOR VALUES FROM ('2023-01-01') TO ('2024-01-01') PARTITION BY LIST (region);
      CREATE TABLE reading_2023_eu PARTITION OF reading_2023 FOR VALUES IN ('eu');
      CREATE TABLE reading_2023_other PARTITION OF reading_2023 DEFAULT PARTITION BY HASH (id);
      CREATE TABLE reading_2023_other_0 PARTITION OF reading_2023_other FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE reading_2023_other_1 PARTITION OF reading_2023_other FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE reading_2024 PARTITION OF reading FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
      CREATE TABLE reading_2020 PARTITION OF reading FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
      CREATE INDEX reading_value ON reading (value);
      CREATE FUNCTION round_value() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.value := round(NEW.value, 3); RETURN NEW; END';
      CREATE TRIGGER rounding BEFORE INSERT ON reading FOR EACH ROW EXECUTE FUNCTION round_value();
      INSERT INTO reading SELECT i, date '2023-01-01' + i % 500, CASE i % 3 WHEN 0 THEN 'eu' ELSE 'us' END, i / 7.0
        FROM generate_series(1, 2000) AS i;
      INSERT INTO reading VALUES (0, '2020-02-02', 'eu', 1);
      ALTER TABLE reading DETACH PARTITION reading_2020;
      ALTER TABLE reading_2024 ADD CONSTRAINT positive CHECK (value > 0);
      ALTER TABLE reading_2023_eu DISABLE TRIGGER rounding;
      CREATE TABLE note (id int PRIMARY KEY, reading_id int, at date, region text,
        FOREIGN KEY (reading_id, at, region) REFERENCES reading);
      INSERT INTO note SELECT id, id, at, region FROM reading WHERE id < 50;
      CREATE TABLE vehicle (id int PRIMARY KEY, name text);
      CREATE TABLE lorry (load int CHECK (load < 40)) INHERITS (vehicle);
      INSERT INTO lorry VALUES (1, 'a lorry', 12);`,
    ],
  ],
  migration: `CREATE TABLE reading_2022 PARTITION OF reading FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
    ALTER TABLE reading DETACH PARTITION reading_2024; DROP TABLE note; DELETE FROM reading;
    ALTER TABLE vehicle ADD COLUMN wheels int DEFAULT 4; CREATE TABLE uses_lorry (v lorry);`,
}

/** A view that depends on a primary key and lies in another schema, and a domain with a constraint that was never validated. */
export const dependentViews: DatabaseFixture = {
  name: 'dependent-views',
  needs: 'owner',
  steps: [
    [
      'owner',
      `CREATE SCHEMA report;
      CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL);
      CREATE TABLE bill (id serial PRIMARY KEY, customer_id int REFERENCES customer, amount numeric(10, 2));
      INSERT INTO customer VALUES (1, 'one'), (2, 'two'); INSERT INTO bill (customer_id, amount) VALUES (1, 3.5), (2, 4), (1, 5);
      CREATE VIEW report.per_customer AS
        SELECT c.id, c.name, sum(b.amount) AS total FROM customer AS c JOIN bill AS b ON b.customer_id = c.id GROUP BY c.id;
      CREATE DOMAIN positive AS int;
      CREATE TABLE measure (value positive); INSERT INTO measure VALUES (-1), (2);
      ALTER DOMAIN positive ADD CONSTRAINT is_positive CHECK (VALUE > 0) NOT VALID;
      ALTER TABLE bill ADD CONSTRAINT large CHECK (amount > 4) NOT VALID;
      CREATE MATERIALIZED VIEW report.totals AS SELECT * FROM report.per_customer;
      CREATE UNIQUE INDEX ON report.totals (id);
      CREATE MATERIALIZED VIEW report.grand_total AS SELECT sum(total) AS total FROM report.totals;
      CREATE MATERIALIZED VIEW report.empty AS SELECT * FROM report.totals WITH NO DATA;
      CREATE RECURSIVE VIEW report.numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 10;
      CREATE VIEW report.first AS SELECT 1 AS x; CREATE VIEW report.second AS SELECT x FROM report.first;
      CREATE OR REPLACE VIEW report.first AS SELECT count(*)::int AS x FROM measure;
      CREATE VIEW report.checked WITH (security_barrier) AS SELECT * FROM customer WHERE id > 0 WITH LOCAL CHECK OPTION;
      CREATE RULE redirected AS ON INSERT TO report.second DO INSTEAD INSERT INTO measure VALUES (NEW.x + 5);
      CREATE RULE silent AS ON DELETE TO measure WHERE OLD.value = 7 DO INSTEAD NOTHING;
      ALTER TABLE measure DISABLE RULE silent;`,
    ],
  ],
  migration: `CREATE VIEW report.newer AS SELECT * FROM report.per_customer; ALTER TABLE bill ADD COLUMN due date;
    CREATE TABLE payment (bill_id int REFERENCES bill); CREATE TABLE uses_domain (p positive, c customer); DELETE FROM measure;`,
}

/** Tables that refer to each other, columns of every kind, and names that shells, psql and regular expressions stumble over. */
export const columnsAndNames: DatabaseFixture = {
  name: 'columns-and-names',
  needs: 'owner',
  steps: [
    [
      'owner',
      `CREATE TABLE hen (id int PRIMARY KEY, egg_id int); CREATE TABLE egg (id int PRIMARY KEY, hen_id int REFERENCES hen);
      INSERT INTO hen VALUES (1, 1), (2, NULL); INSERT INTO egg VALUES (1, 2), (2, 1);
      ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg DEFERRABLE INITIALLY DEFERRED;
      CREATE TABLE item (
        id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5), other int GENERATED BY DEFAULT AS IDENTITY,
        dropped int, price numeric NOT NULL, gross numeric GENERATED ALWAYS AS (price * 1.19) STORED,
        note text COLLATE "C" DEFAULT 'it''s', long text, packed text COMPRESSION pglz, data jsonb, tags text[], at timestamptz(3),
        PRIMARY KEY (id), UNIQUE (other, price));
      ALTER TABLE item DROP COLUMN dropped, ALTER long SET STORAGE EXTERNAL, ALTER note SET STATISTICS 500,
        ALTER price SET (n_distinct = -0.5), SET (fillfactor = 70, toast.autovacuum_enabled = false), REPLICA IDENTITY FULL;
      INSERT INTO item (price, note, long, data, tags, at) SELECT i, 'n' || i, repeat('x', i * 10), jsonb_build_object('i', i),
        ARRAY['a', i::text], timestamptz '2024-01-01 UTC' + i * interval '1 hour' FROM generate_series(1, 300) AS i;
      CREATE INDEX item_data ON item USING gin (data); CREATE INDEX item_part ON item (lower(note)) WHERE price > 10;
      CREATE STATISTICS item_statistics (ndistinct, dependencies) ON price, note FROM item; ALTER STATISTICS item_statistics SET STATISTICS 50;
      ALTER TABLE item CLUSTER ON item_pkey;
      CREATE UNLOGGED TABLE scratch (id int); INSERT INTO scratch VALUES (1), (2);
      CREATE SEQUENCE used MINVALUE -5 START -5 CYCLE CACHE 3; SELECT nextval('used'); CREATE SEQUENCE unused AS smallint;
      CREATE SEQUENCE owned OWNED BY item.note;
      CREATE TABLE excluded (during int4range, EXCLUDE USING gist (during WITH &&)); INSERT INTO excluded VALUES ('[1,5)'), ('[5,6)');
      CREATE TABLE no_columns (); INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES;
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER always BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION touch();
      CREATE TRIGGER never BEFORE UPDATE OF price ON item FOR EACH ROW WHEN (OLD.price > 5) EXECUTE FUNCTION touch();
      CREATE CONSTRAINT TRIGGER later AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION touch();
      ALTER TABLE item ENABLE ALWAYS TRIGGER always, DISABLE TRIGGER never, ENABLE REPLICA TRIGGER later;
      COMMENT ON TABLE item IS E'several\\nlines, "quotes" and it''s \\\\! a shell'; COMMENT ON COLUMN item.price IS 'price';
      COMMENT ON CONSTRAINT item_pkey ON item IS 'key'; COMMENT ON TRIGGER always ON item IS 'trigger'; COMMENT ON INDEX item_part IS 'index';`,
    ],
    [
      'owner',
      `CREATE SCHEMA "-schema with spaces";
      CREATE TABLE "-schema with spaces"."it's ""quoted"" $x $(date) \`id\` %s 表 ü" ("SELECT" int, "a.b" text, "-- x" int DEFAULT 5, "new
line" text);
      CREATE TABLE public."-rf" (id int PRIMARY KEY, "\\\\! touch x" text); INSERT INTO "-rf" VALUES (1, E'\\\\.'), (2, E'\\t\\n\\\\N'), (3, NULL);
      CREATE TABLE "sixty-three bytes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" (id serial, name text CHECK (name <> 'new
line'));
      CREATE VIEW "new
\\! line" AS SELECT * FROM "-rf";
      CREATE FUNCTION "f(x) ""quoted""
\\q"(a int, "b c" text DEFAULT 'x''y') RETURNS text LANGUAGE sql AS $f$ SELECT $$a;b$$ || "b c" $f$;
      CREATE TYPE "type
x" AS ENUM ('it''s', 'new
line', ''); CREATE TABLE uses_type (t "type
x"); INSERT INTO uses_type VALUES ('it''s'), ('');`,
    ],
  ],
  migration: `DROP TABLE hen CASCADE; ALTER TABLE item DROP COLUMN note, ADD COLUMN brand text; CREATE VIEW newer AS SELECT id, brand FROM item;
    DROP SCHEMA "-schema with spaces" CASCADE; CREATE TABLE refers (item_id bigint REFERENCES item); TRUNCATE "-rf";`,
}

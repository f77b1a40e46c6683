import type { DatabaseFixture } from './fixture.ts'

const TABLES = 40

const tables = Array.from({ length: TABLES }, (_, i) => `t${i}`)

/** A database whose restore takes long enough to be killed at many moments: tables, rows, keys, large objects. */
export const slowDatabase: DatabaseFixture = {
  name: 'slow',
  needs: 'owner',
  steps: [
    [
      'owner',
      `CREATE TABLE generation (name text); INSERT INTO generation VALUES ('backed up');
      ${tables.map((name, i) => `CREATE TABLE ${name} (id int PRIMARY KEY, ref int ${i === 0 ? '' : `REFERENCES t${i - 1}`}, note text); INSERT INTO ${name} SELECT g, g, repeat('x', 40) FROM generate_series(1, 1000) AS g; CREATE INDEX ON ${name} (note);`).join('\n')}
      SELECT count(lo_from_bytea(10000 + g, 'large')) FROM generate_series(1, 100) AS g; CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM t0;`,
    ],
  ],
  migration: `UPDATE generation SET name = 'live'; CREATE TABLE added_later (id int REFERENCES t0); CREATE VIEW seen_later AS SELECT * FROM t1; DROP TABLE t${TABLES - 1}; SELECT lo_unlink(10001)`,
}

/** More tables than one transaction can lock with the default max_locks_per_transaction, where there are 25 connections. */
export const manyTables: DatabaseFixture = {
  name: 'many-tables',
  needs: 'owner',
  steps: Array.from({ length: 5 }, (_, part) => [
    'owner' as const,
    `SELECT format('CREATE TABLE many_%s (id int PRIMARY KEY, note text)', i) FROM generate_series(${part * 250 + 1}, ${(part + 1) * 250}) AS i \\gexec
    INSERT INTO many_${part * 250 + 1} SELECT g, 'n' FROM generate_series(1, 100) AS g;`,
  ]),
  migration: 'CREATE TABLE added_later (id int REFERENCES many_1); DROP TABLE many_2; DELETE FROM many_251',
}

/** More large objects than such a transaction can lock. */
export const manyLargeObjects: DatabaseFixture = {
  name: 'many-large-objects',
  needs: 'owner',
  steps: [
    [
      'owner',
      `SELECT lo_from_bytea(i, convert_to('number ' || i, 'UTF8')) FROM generate_series(100001, 105000) AS i \\g /dev/null`,
    ],
  ],
  migration: `SELECT lo_unlink(100001), lo_from_bytea(200001, 'new'), lo_put(100002, 0, 'changed')`,
}

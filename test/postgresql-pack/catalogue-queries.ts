import {
  flag,
  identity,
  isMember,
  isOwn,
  isSystemSchema,
  line,
  named,
  options,
  privileges,
  role,
} from './catalogue-sql.ts'

/** A query whose rows are a key and its value; `since` is the first version whose catalogs have what it reads. */
export interface CatalogueQuery {
  sql: string
  since?: number
  /** The last version that it is for. */
  until?: number
}

const relationKinds = `CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
  WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type'
  WHEN 'i' THEN 'index' WHEN 'I' THEN 'partitioned index' END`
const relation = identity('pg_class', 'c.oid')
const isOwnRelation = `NOT ${isSystemSchema('c.relnamespace::regnamespace::text')} AND ${isOwn('pg_class', 'c.oid')}`

const relations = `SELECT ${relationKinds} || ' ' || ${relation}, ${line(
  named('persistence', 'c.relpersistence'),
  named('of', 'CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END'),
  named('access method', "(SELECT amname FROM pg_am AS am WHERE am.oid = c.relam AND c.relkind IN ('r', 'm'))"),
  named('tablespace', '(SELECT spcname FROM pg_tablespace AS space WHERE space.oid = c.reltablespace)'),
  named('options', options('c.reloptions')),
  named(
    'toast options',
    `(SELECT ${options('toast.reloptions')} FROM pg_class AS toast WHERE toast.oid = c.reltoastrelid)`,
  ),
  named('replica identity', "CASE WHEN c.relkind IN ('r', 'p') THEN c.relreplident END"),
  flag('c.relrowsecurity', 'row security'),
  flag('c.relforcerowsecurity', 'forced row security'),
  flag("c.relkind = 'm' AND NOT c.relispopulated", 'not populated'),
  named('partition key', "CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END"),
  named('partition', 'pg_get_expr(c.relpartbound, c.oid)'),
  named(
    'parents',
    `(SELECT string_agg(${identity('pg_class', 'i.inhparent')}, ', ' ORDER BY i.inhseqno) FROM pg_inherits AS i WHERE i.inhrelid = c.oid)`,
  ),
  named('definition', "CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END"),
  named('owner', role('c.relowner')),
)} FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${isOwnRelation}`

const relationPrivileges = `SELECT 'privileges on ' || ${relationKinds} || ' ' || ${relation},
  ${privileges(`coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))`)}
  FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${isOwnRelation}`

// Numbered among the columns that are left, since restores do not bring dropped ones back.
const columns = `SELECT 'column ' || ${relation} || '.' || quote_ident(a.attname), ${line(
  named(
    'number',
    '(SELECT count(*) FROM pg_attribute AS before WHERE before.attrelid = a.attrelid AND before.attnum BETWEEN 1 AND a.attnum AND NOT before.attisdropped)',
  ),
  'format_type(a.atttypid, a.atttypmod)',
  named(
    'collation',
    `(SELECT ${identity('pg_collation', 'a.attcollation')} FROM pg_type AS t WHERE t.oid = a.atttypid AND a.attcollation <> t.typcollation)`,
  ),
  flag('a.attnotnull', 'not null'),
  `CASE WHEN a.attgenerated <> '' THEN 'generated ' || a.attgenerated::text ELSE 'default' END || ' '
    || (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)`,
  named('identity', "nullif(a.attidentity::text, '')"),
  named('storage', 'a.attstorage'),
  named('compression', "nullif(a.attcompression::text, '')"),
  named('statistics', 'nullif(a.attstattarget, -1)'),
  named('options', options('a.attoptions')),
  named('foreign options', options('a.attfdwoptions')),
  flag('NOT a.attislocal AND NOT c.relispartition', 'inherited'),
  named('privileges', `CASE WHEN a.attacl IS NOT NULL THEN ${privileges('a.attacl')} END`),
)} FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped AND ${isOwnRelation}
    AND NOT (c.relkind = 'c' AND ${isMember('pg_type', 'c.reltype')})`

// Without the rows that say NOT NULL (PostgreSQL 18), which columns say, and the copies of a foreign key for partitions of
// the table that it refers to, whose names are generated.
const constraints = `SELECT 'constraint ' || coalesce(${identity('pg_class', 'c.oid')}, ${identity('pg_type', 'nullif(k.contypid, 0)')}) || ' ' || quote_ident(k.conname), ${line(
  'pg_get_constraintdef(k.oid)',
  flag('NOT k.convalidated', '(not validated)'),
  flag('NOT k.conislocal AND NOT c.relispartition', '(inherited)'),
)} FROM pg_constraint AS k LEFT JOIN pg_class AS c ON c.oid = k.conrelid
  WHERE k.oid >= 16384 AND k.contype NOT IN ('n', 't')
    AND NOT (k.contype = 'f' AND k.conparentid <> 0
      AND k.conrelid = (SELECT parent.conrelid FROM pg_constraint AS parent WHERE parent.oid = k.conparentid))
    AND NOT ${isMember('pg_class', 'k.conrelid')} AND NOT ${isMember('pg_type', 'k.contypid')}
    AND NOT ${isSystemSchema('k.connamespace::regnamespace::text')}`

const indexes = `SELECT 'index ' || ${relation}, ${line(
  'pg_get_indexdef(c.oid)',
  flag('NOT i.indisvalid', '(invalid)'),
  flag('i.indisclustered', '(clustered)'),
  flag('i.indisreplident', '(replica identity)'),
  flag(
    "EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))",
    '(of a constraint)',
  ),
  named('options', options('c.reloptions')),
  named('tablespace', '(SELECT spcname FROM pg_tablespace AS space WHERE space.oid = c.reltablespace)'),
  named('part of', `(SELECT ${identity('pg_class', 'h.inhparent')} FROM pg_inherits AS h WHERE h.inhrelid = c.oid)`),
  named(
    'statistics',
    `(SELECT string_agg(a.attnum || ':' || a.attstattarget, ' ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attstattarget >= 0)`,
  ),
)} FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
  WHERE ${isOwnRelation} AND NOT ${isMember('pg_class', 'i.indrelid')}`

const sequences = `SELECT 'sequence settings ' || ${relation}, ${line(
  'format_type(s.seqtypid, NULL)',
  named('start', 's.seqstart'),
  named('increment', 's.seqincrement'),
  named('minimum', 's.seqmin'),
  named('maximum', 's.seqmax'),
  named('cache', 's.seqcache'),
  flag('s.seqcycle', 'cycle'),
  named(
    'owned by',
    `(SELECT (SELECT identity FROM pg_identify_object('pg_class'::regclass, d.refobjid, d.refobjsubid)) || ' ' || d.deptype::text FROM pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)`,
  ),
)} FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid WHERE ${isOwnRelation}`

// Triggers that implement foreign keys and deferrable constraints have generated names, and follow from their constraint.
const triggers = `SELECT 'trigger ' || ${relation} || ' ' || quote_ident(t.tgname), ${line(
  'pg_get_triggerdef(t.oid)',
  named('enabled', 't.tgenabled'),
  flag('t.tgparentid <> 0', 'of the parent'),
)} FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
  WHERE ${isOwnRelation} AND t.tgname !~ '_ConstraintTrigger_.*[0-9]$'`

const rules = `SELECT 'rule ' || ${relation} || ' ' || quote_ident(r.rulename), ${line('pg_get_ruledef(r.oid)', named('enabled', 'r.ev_enabled'))}
  FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class WHERE ${isOwnRelation} AND r.rulename <> '_RETURN'`

const policies = `SELECT 'policy ' || ${relation} || ' ' || quote_ident(p.polname), ${line(
  named('command', 'p.polcmd'),
  flag('NOT p.polpermissive', 'restrictive'),
  named('to', `(SELECT string_agg(${role('r')}, ', ' ORDER BY ${role('r')} COLLATE "C") FROM unnest(p.polroles) AS r)`),
  named('using', 'pg_get_expr(p.polqual, p.polrelid)'),
  named('check', 'pg_get_expr(p.polwithcheck, p.polrelid)'),
)} FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid WHERE ${isOwnRelation}`

const statistics = `SELECT 'statistics ' || ${identity('pg_statistic_ext', 's.oid')}, ${line(
  'pg_get_statisticsobjdef(s.oid)',
  named('target', 'nullif(s.stxstattarget, -1)'),
  named('owner', role('s.stxowner')),
)} FROM pg_statistic_ext AS s WHERE ${isOwn('pg_statistic_ext', 's.oid')}`

/** Tables and what belongs to them. */
export const relationQueries: readonly CatalogueQuery[] = [
  relations,
  relationPrivileges,
  columns,
  constraints,
  indexes,
  sequences,
  triggers,
  rules,
  policies,
  statistics,
].map((sql) => ({ sql }))

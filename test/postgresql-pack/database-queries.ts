import type { CatalogueQuery } from './catalogue-queries.ts'
import { flag, identity, isOwn, line, named, privileges, role } from './catalogue-sql.ts'

const thisDatabase = '(SELECT this.oid FROM pg_database AS this WHERE this.datname = current_database())'

// Some columns are named differently by different versions.
const database = `SELECT 'database', ${line(
  named('owner', role('d.datdba')),
  named('encoding', 'pg_encoding_to_char(d.encoding)'),
  named('collate', 'd.datcollate'),
  named('ctype', 'd.datctype'),
  named('provider', `coalesce(to_jsonb(d) ->> 'datlocprovider', 'c')`),
  named('locale', `coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')`),
  named('icu rules', `to_jsonb(d) ->> 'daticurules'`),
  flag('d.datistemplate', 'template'),
  flag('NOT d.datallowconn', 'no connections'),
  named('connection limit', 'd.datconnlimit'),
  named('tablespace', '(SELECT spcname FROM pg_tablespace AS space WHERE space.oid = d.dattablespace)'),
  named('privileges', privileges(`coalesce(d.datacl, acldefault('d', d.datdba))`)),
  named('comment', `shobj_description(d.oid, 'pg_database')`),
)} FROM pg_database AS d WHERE d.datname = current_database()`

const settings = `SELECT 'setting of ' || CASE WHEN s.setrole = 0 THEN 'all roles' ELSE 'role ' || pg_get_userbyid(s.setrole) END
    || ': ' || split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
  FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting WHERE s.setdatabase = ${thisDatabase}`

const extensions = `SELECT 'extension ' || quote_ident(e.extname), ${line(
  named('version', 'e.extversion'),
  named('schema', 'quote_ident(e.extnamespace::regnamespace::text)'),
)} FROM pg_extension AS e`

const comments = `SELECT 'comment on ' || o.type || ' ' || o.identity, d.description
  FROM pg_description AS d, pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o
  WHERE (d.objoid >= 16384 OR d.classoid IN ('pg_namespace'::regclass, 'pg_extension'::regclass))
    AND NOT (d.classoid = 'pg_namespace'::regclass AND o.identity IN ('pg_catalog', 'pg_toast', 'information_schema'))
    AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
    AND o.identity IS NOT NULL`

const securityLabels = `SELECT 'security label ' || s.provider || ' on ' || s.objtype || ' ' || s.objname, s.label FROM pg_seclabels AS s
  WHERE s.objtype NOT IN ('database', 'role', 'tablespace')`

const defaultPrivileges = `SELECT format('default privileges of %s in %s on %s', pg_get_userbyid(d.defaclrole),
    CASE WHEN d.defaclnamespace = 0 THEN 'all schemas' ELSE d.defaclnamespace::regnamespace::text END, d.defaclobjtype),
  ${privileges('d.defaclacl')} FROM pg_default_acl AS d`

/** Privileges on objects of the system and of extensions, where they are not the ones that these came with. */
const changedPrivileges = [
  ['pg_class', 'relacl'],
  ['pg_proc', 'proacl'],
  ['pg_namespace', 'nspacl'],
  ['pg_type', 'typacl'],
  ['pg_language', 'lanacl'],
]
  .map(
    ([catalog, column]) => `SELECT 'changed privileges on ' || o.type || ' ' || o.identity, ${privileges(`c.${column}`)}
  FROM ${catalog} AS c
    LEFT JOIN pg_init_privs AS i ON i.classoid = '${catalog}'::regclass AND i.objoid = c.oid AND i.objsubid = 0,
    pg_identify_object('${catalog}'::regclass, c.oid, 0) AS o
  WHERE c.${column} IS DISTINCT FROM i.initprivs AND NOT ${isOwn(catalog ?? '', 'c.oid')}
    AND NOT ('${catalog}' = 'pg_namespace' AND c.oid = 'public'::regnamespace)`,
  )
  .join(' UNION ALL ')

const eventTriggers = `SELECT 'event trigger ' || quote_ident(t.evtname), ${line(
  't.evtevent',
  't.evtfoid::regproc',
  named('enabled', 't.evtenabled'),
  named('tags', `array_to_string(t.evttags, ',')`),
  named('owner', role('t.evtowner')),
)} FROM pg_event_trigger AS t WHERE ${isOwn('pg_event_trigger', 't.oid')}`

const publications = `SELECT 'publication ' || quote_ident(p.pubname), ${line(
  flag('p.puballtables', 'all tables'),
  flag('p.pubinsert', 'insert'),
  flag('p.pubupdate', 'update'),
  flag('p.pubdelete', 'delete'),
  flag('p.pubtruncate', 'truncate'),
  flag('p.pubviaroot', 'via root'),
  named('owner', role('p.pubowner')),
)} FROM pg_publication AS p`

const publishedTables14 = `SELECT 'published by ' || quote_ident(p.pubname) || ': ' || ${identity('pg_class', 'r.prrelid')}, 'all columns'
  FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid`
const publishedTables = `SELECT 'published by ' || quote_ident(p.pubname) || ': ' || ${identity('pg_class', 'r.prrelid')}, ${line(
  `coalesce((SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) FROM pg_attribute AS a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)), 'all columns')`,
  named('where', 'pg_get_expr(r.prqual, r.prrelid)'),
)} FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid`
const publishedSchemas = `SELECT 'published by ' || quote_ident(p.pubname) || ': schema ' || n.pnnspid::regnamespace, 'all tables'
  FROM pg_publication_namespace AS n JOIN pg_publication AS p ON p.oid = n.pnpubid`

// A restored subscription is disabled; the operator enables it.
const subscriptions = `SELECT 'subscription ' || quote_ident(s.subname), ${line(
  named('connection', 's.subconninfo'),
  named('slot', 's.subslotname'),
  named('publications', `array_to_string(s.subpublications, ',')`),
  named('owner', role('s.subowner')),
)} FROM pg_subscription AS s WHERE s.subdbid = ${thisDatabase}`

const largeObjects = `SELECT 'large object ' || l.oid, ${line(
  'length(lo_get(l.oid))',
  'md5(lo_get(l.oid))',
  named('owner', role('l.lomowner')),
  named('privileges', privileges(`coalesce(l.lomacl, acldefault('L', l.lomowner))`)),
)} FROM pg_largeobject_metadata AS l`

/** The database itself and what is not in a schema. */
export const databaseQueries: readonly CatalogueQuery[] = [
  ...[
    database,
    settings,
    extensions,
    comments,
    securityLabels,
    defaultPrivileges,
    changedPrivileges,
    eventTriggers,
    publications,
    subscriptions,
    largeObjects,
  ].map((sql) => ({ sql })),
  { sql: publishedTables14, until: 14 },
  { sql: publishedTables, since: 15 },
  { sql: publishedSchemas, since: 15 },
]

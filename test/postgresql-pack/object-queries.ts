import type { CatalogueQuery } from './catalogue-queries.ts'
import {
  described,
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

const schemas = `SELECT 'schema ' || quote_ident(n.nspname), ${line(
  named('owner', role('n.nspowner')),
  named('privileges', privileges(`coalesce(n.nspacl, acldefault('n', n.nspowner))`)),
)} FROM pg_namespace AS n WHERE NOT ${isSystemSchema('n.nspname')} AND NOT ${isMember('pg_namespace', 'n.oid')}`

const types = `SELECT 'type ' || ${identity('pg_type', 't.oid')}, ${line(
  named('kind', 't.typtype'),
  named(
    'labels',
    "(SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid)",
  ),
  `CASE WHEN t.typtype = 'd' THEN ${line(
    'format_type(t.typbasetype, t.typtypmod)',
    flag('t.typnotnull', 'not null'),
    named('default', 't.typdefault'),
    named('collation', identity('pg_collation', 'nullif(t.typcollation, 0)')),
  )} END`,
  `(SELECT ${line(
    named('subtype', 'format_type(r.rngsubtype, NULL)'),
    named('collation', identity('pg_collation', 'nullif(r.rngcollation, 0)')),
    named('operator class', identity('pg_opclass', 'r.rngsubopc')),
    named('canonical', 'nullif(r.rngcanonical::oid, 0)::regproc'),
    named('difference', 'nullif(r.rngsubdiff::oid, 0)::regproc'),
    named('multirange', 'format_type(r.rngmultitypid, NULL)'),
  )} FROM pg_range AS r WHERE r.rngtypid = t.oid)`,
  `CASE WHEN t.typtype = 'b' THEN ${line(
    named('input', 't.typinput'),
    named('output', 't.typoutput'),
    named('receive', 'nullif(t.typreceive::oid, 0)::regproc'),
    named('send', 'nullif(t.typsend::oid, 0)::regproc'),
    named('modifiers', "nullif(t.typmodin::oid, 0)::regproc || ' ' || t.typmodout"),
    named('analyze', 'nullif(t.typanalyze::oid, 0)::regproc'),
    named('length', 't.typlen'),
    named('by value', 't.typbyval'),
    named('alignment', 't.typalign'),
    named('storage', 't.typstorage'),
    named('category', 't.typcategory'),
    named('preferred', 't.typispreferred'),
    named('delimiter', 't.typdelim'),
    named('element', 'CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END'),
    named('default', 't.typdefault'),
    named('collation', identity('pg_collation', 'nullif(t.typcollation, 0)')),
  )} END`,
  named('owner', role('t.typowner')),
  named('privileges', privileges(`coalesce(t.typacl, acldefault('T', t.typowner))`)),
)} FROM pg_type AS t
  WHERE ${isOwn('pg_type', 't.oid')} AND NOT ${isSystemSchema('t.typnamespace::regnamespace::text')} AND t.typtype <> 'm'
    AND NOT (t.typrelid <> 0 AND (SELECT c.relkind FROM pg_class AS c WHERE c.oid = t.typrelid) <> 'c')
    AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = t.oid)`

const functions = `SELECT ${described('pg_proc', 'p.oid')}, ${line(
  "CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END",
  `(SELECT ${line(
    'pg_get_function_arguments(p.oid)',
    named('result', 'pg_get_function_result(p.oid)'),
    named('kind', 'a.aggkind'),
    named('transition', 'a.aggtransfn'),
    named('state', 'format_type(a.aggtranstype, NULL)'),
    named('space', 'a.aggtransspace'),
    named('initial', 'a.agginitval'),
    named('final', 'nullif(a.aggfinalfn::oid, 0)::regproc'),
    named('combine', 'nullif(a.aggcombinefn::oid, 0)::regproc'),
    named('serialize', "nullif(a.aggserialfn::oid, 0)::regproc || ' ' || a.aggdeserialfn"),
    named(
      'moving',
      "nullif(a.aggmtransfn::oid, 0)::regproc || ' ' || a.aggminvtransfn || ' ' || a.aggmfinalfn || ' ' || format_type(a.aggmtranstype, NULL)",
    ),
    named('moving initial', 'a.aggminitval'),
    named('sort operator', identity('pg_operator', 'nullif(a.aggsortop, 0)')),
    named('modify', 'concat(a.aggfinalmodify, a.aggfinalextra)'),
    named('parallel', 'p.proparallel'),
  )} FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid)`,
  named(
    'depends on',
    `(SELECT string_agg(e.extname, ', ' ORDER BY e.extname) FROM pg_depend AS d JOIN pg_extension AS e
    ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'x')`,
  ),
  named('owner', role('p.proowner')),
  named('privileges', privileges(`coalesce(p.proacl, acldefault('f', p.proowner))`)),
)} FROM pg_proc AS p WHERE ${isOwn('pg_proc', 'p.oid')} AND NOT ${isSystemSchema('p.pronamespace::regnamespace::text')}
    AND NOT EXISTS (SELECT FROM pg_depend AS i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')`

const operators = `SELECT ${described('pg_operator', 'o.oid')}, ${line(
  named('function', 'o.oprcode'),
  named('result', 'format_type(o.oprresult, NULL)'),
  named('commutator', identity('pg_operator', 'nullif(o.oprcom, 0)')),
  named('negator', identity('pg_operator', 'nullif(o.oprnegate, 0)')),
  named('restrict', 'nullif(o.oprrest::oid, 0)::regproc'),
  named('join', 'nullif(o.oprjoin::oid, 0)::regproc'),
  flag('o.oprcanhash', 'hashes'),
  flag('o.oprcanmerge', 'merges'),
  named('owner', role('o.oprowner')),
)} FROM pg_operator AS o WHERE ${isOwn('pg_operator', 'o.oid')}`

const operatorClasses = `SELECT ${described('pg_opclass', 'o.oid')}, ${line(
  named('family', identity('pg_opfamily', 'o.opcfamily')),
  named('for', 'format_type(o.opcintype, NULL)'),
  named('key', 'CASE WHEN o.opckeytype <> 0 THEN format_type(o.opckeytype, NULL) END'),
  flag('o.opcdefault', 'default'),
  named('owner', role('o.opcowner')),
)} FROM pg_opclass AS o WHERE ${isOwn('pg_opclass', 'o.oid')}`

const operatorFamilies = `SELECT ${described('pg_opfamily', 'f.oid')}, ${line(
  named(
    'operators',
    `(SELECT string_agg(a.amopstrategy || ' ' || ${identity('pg_operator', 'a.amopopr')} || ' ' || a.amoppurpose::text, ', ' ORDER BY a.amopstrategy, ${identity('pg_operator', 'a.amopopr')} COLLATE "C")
      FROM pg_amop AS a WHERE a.amopfamily = f.oid)`,
  ),
  named(
    'functions',
    `(SELECT string_agg(a.amprocnum || ' ' || ${identity('pg_proc', 'a.amproc::oid')}, ', ' ORDER BY a.amprocnum, format_type(a.amproclefttype, NULL) COLLATE "C", format_type(a.amprocrighttype, NULL) COLLATE "C")
      FROM pg_amproc AS a WHERE a.amprocfamily = f.oid)`,
  ),
  named('owner', role('f.opfowner')),
)} FROM pg_opfamily AS f WHERE ${isOwn('pg_opfamily', 'f.oid')}`

const accessMethods = `SELECT 'access method ' || quote_ident(a.amname), ${line(named('handler', 'a.amhandler'), named('type', 'a.amtype'))}
  FROM pg_am AS a WHERE ${isOwn('pg_am', 'a.oid')}`

const casts = `SELECT ${described('pg_cast', 'c.oid')}, ${line(
  named('function', 'CASE WHEN c.castfunc <> 0 THEN c.castfunc::regprocedure END'),
  named('context', 'c.castcontext'),
  named('method', 'c.castmethod'),
)} FROM pg_cast AS c WHERE ${isOwn('pg_cast', 'c.oid')}`

const conversions = `SELECT ${described('pg_conversion', 'c.oid')}, ${line(
  'pg_encoding_to_char(c.conforencoding)',
  'pg_encoding_to_char(c.contoencoding)',
  'c.conproc',
  flag('c.condefault', 'default'),
  named('owner', role('c.conowner')),
)} FROM pg_conversion AS c WHERE ${isOwn('pg_conversion', 'c.oid')}`

const collations = `SELECT ${described('pg_collation', 'c.oid')}, ${line(
  named('provider', 'c.collprovider'),
  // Named differently by different versions.
  named(
    'locale',
    `concat_ws(' ', c.collcollate, c.collctype, to_jsonb(c) ->> 'colliculocale', to_jsonb(c) ->> 'colllocale')`,
  ),
  flag('NOT c.collisdeterministic', 'nondeterministic'),
  named('encoding', 'c.collencoding'),
  named('owner', role('c.collowner')),
)} FROM pg_collation AS c WHERE ${isOwn('pg_collation', 'c.oid')}`

const languages = `SELECT 'language ' || quote_ident(l.lanname), ${line(
  flag('l.lanpltrusted', 'trusted'),
  named('handler', 'nullif(l.lanplcallfoid::oid, 0)::regproc'),
  named('owner', role('l.lanowner')),
  named('privileges', privileges(`coalesce(l.lanacl, acldefault('l', l.lanowner))`)),
)} FROM pg_language AS l WHERE ${isOwn('pg_language', 'l.oid')}`

const transforms = `SELECT ${described('pg_transform', 't.oid')}, ${line(named('from', 't.trffromsql'), named('to', 't.trftosql'))}
  FROM pg_transform AS t WHERE ${isOwn('pg_transform', 't.oid')}`

const searchConfigurations = `SELECT ${described('pg_ts_config', 'c.oid')}, ${line(
  named('parser', identity('pg_ts_parser', 'c.cfgparser')),
  named(
    'mappings',
    `(SELECT string_agg(m.maptokentype || ':' || ${identity('pg_ts_dict', 'm.mapdict')}, ' ' ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map AS m WHERE m.mapcfg = c.oid)`,
  ),
  named('owner', role('c.cfgowner')),
)} FROM pg_ts_config AS c WHERE ${isOwn('pg_ts_config', 'c.oid')}`

const searchDictionaries = `SELECT ${described('pg_ts_dict', 'd.oid')}, ${line(
  named('template', identity('pg_ts_template', 'd.dicttemplate')),
  named('options', 'd.dictinitoption'),
  named('owner', role('d.dictowner')),
)} FROM pg_ts_dict AS d WHERE ${isOwn('pg_ts_dict', 'd.oid')}`

const searchTemplates = `SELECT ${described('pg_ts_template', 't.oid')}, ${line('t.tmplinit', 't.tmpllexize')} FROM pg_ts_template AS t WHERE ${isOwn('pg_ts_template', 't.oid')}`
const searchParsers = `SELECT ${described('pg_ts_parser', 'p.oid')}, ${line('p.prsstart', 'p.prstoken', 'p.prsend', 'p.prsheadline', 'p.prslextype')} FROM pg_ts_parser AS p WHERE ${isOwn('pg_ts_parser', 'p.oid')}`

const wrappers = `SELECT 'foreign-data wrapper ' || quote_ident(w.fdwname), ${line(
  named('handler', 'nullif(w.fdwhandler::oid, 0)::regproc'),
  named('validator', 'nullif(w.fdwvalidator::oid, 0)::regproc'),
  named('options', options('w.fdwoptions')),
  named('owner', role('w.fdwowner')),
  named('privileges', privileges(`coalesce(w.fdwacl, acldefault('F', w.fdwowner))`)),
)} FROM pg_foreign_data_wrapper AS w WHERE ${isOwn('pg_foreign_data_wrapper', 'w.oid')}`

const servers = `SELECT 'server ' || quote_ident(s.srvname), ${line(
  named('wrapper', '(SELECT w.fdwname FROM pg_foreign_data_wrapper AS w WHERE w.oid = s.srvfdw)'),
  named('type', 's.srvtype'),
  named('version', 's.srvversion'),
  named('options', options('s.srvoptions')),
  named('owner', role('s.srvowner')),
  named('privileges', privileges(`coalesce(s.srvacl, acldefault('S', s.srvowner))`)),
)} FROM pg_foreign_server AS s WHERE ${isOwn('pg_foreign_server', 's.oid')}`

const userMappings = `SELECT 'user mapping ' || quote_ident(m.srvname) || ' for ' || m.usename, ${options('m.umoptions')} FROM pg_user_mappings AS m`
const foreignTables = `SELECT 'foreign options of ' || ${identity('pg_class', 'f.ftrelid')}, ${line('(SELECT s.srvname FROM pg_foreign_server AS s WHERE s.oid = f.ftserver)', options('f.ftoptions'))}
  FROM pg_foreign_table AS f WHERE ${isOwn('pg_class', 'f.ftrelid')}`

/** Everything that may exist besides tables. */
export const objectQueries: readonly CatalogueQuery[] = [
  schemas,
  types,
  functions,
  operators,
  operatorClasses,
  operatorFamilies,
  accessMethods,
  casts,
  conversions,
  collations,
  languages,
  transforms,
  searchConfigurations,
  searchDictionaries,
  searchTemplates,
  searchParsers,
  wrappers,
  servers,
  userMappings,
  foreignTables,
].map((sql) => ({ sql }))

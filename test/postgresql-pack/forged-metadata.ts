import type { Trap } from './hostile-sql.ts'

type Metadata = Record<string, unknown>

/** SQL, commands of psql and of the shell where a name or a word is expected; what they do would show outside of the database. */
const injections = ({ file }: Trap): string[] => [
  `x; ALTER ROLE app SUPERUSER; --`,
  `x'; ALTER ROLE app SUPERUSER; --`,
  `x"; ALTER ROLE app SUPERUSER; --`,
  `x\n\\! touch ${file}\n`,
  `x\` touch ${file} \``,
  `$(touch ${file})`,
  `x$settings$; ALTER ROLE app SUPERUSER; --`,
  `x\\'; ALTER ROLE app SUPERUSER; --`,
]

/** Forged manifests of a dump, by the field that is forged. */
export const forgedMetadata: Record<string, (trap: Trap) => Metadata> = {
  settings: (trap) => ({
    settings: [
      { role: 'superuser', name: 'search_path', value: 'evil, pg_catalog' },
      { role: 'tenant', name: 'search_path', value: 'evil, pg_catalog' },
      { role: 'creator', name: 'role', value: 'app' },
      { role: null, name: 'session_preload_libraries', value: '/tmp/evil' },
      { role: null, name: 'local_preload_libraries', value: 'evil' },
      { role: null, name: 'session_replication_role', value: 'replica' },
      { role: null, name: 'log_statement', value: 'none' },
      { role: null, name: 'role', value: 'superuser' },
      { role: null, name: 'session_authorization', value: 'superuser' },
      ...injections(trap).flatMap((text) => [
        { role: text, name: 'timezone', value: 'UTC' },
        { role: null, name: text, value: 'UTC' },
        { role: null, name: 'search_path', value: text },
        { role: null, name: 'application_name', value: text },
      ]),
    ],
  }),
  grants: (trap) => ({
    database: {
      grants: [
        { role: 'app', privilege: 'CREATE', grantable: true },
        ...injections(trap).flatMap((text) => [
          { role: text, privilege: 'CREATE', grantable: false },
          { role: 'tenant', privilege: text, grantable: false },
        ]),
      ],
    },
    extensionGrants: [
      { kind: 'table', role: 'app', privilege: 'SELECT', grantable: false, objects: ['pg_catalog.pg_authid'] },
      {
        kind: 'routine',
        role: 'app',
        privilege: 'EXECUTE',
        grantable: false,
        objects: ['pg_catalog.pg_read_file(text)'],
      },
      { kind: 'schema', role: 'app', privilege: 'CREATE', grantable: true, objects: ['pg_catalog', 'public'] },
      ...injections(trap).map((text) => ({
        kind: 'table',
        role: text,
        privilege: text,
        grantable: false,
        objects: [text],
      })),
    ],
    placements: [
      { schema: 'pg_catalog', role: 'app' },
      { schema: 'information_schema', role: 'app' },
      ...injections(trap).map((text) => ({ schema: text, role: text })),
    ],
  }),
  extensions: (trap) => ({
    extensions: [
      { name: 'hstore', version: '1.4', schema: 'public', owner: 'superuser', comment: 'x' },
      { name: 'file_fdw', version: '1.0', schema: 'pg_catalog', owner: 'app', comment: 'x' },
      ...injections(trap).flatMap((text) => [
        { name: 'hstore', version: text, schema: text, owner: text, comment: text },
        { name: text, version: text, schema: text, owner: text, comment: text },
      ]),
    ],
    schemaOwners: { public: 'superuser', pg_catalog: 'app' },
  }),
  roles: (trap) => ({
    database: { name: 'tenant', owner: 'tenant' },
    roles: ['superuser', 'tenant', 'creator', ...injections(trap)].map((name) => ({
      name,
      superuser: true,
      usage: 'owner',
      objects: 1,
    })),
  }),
  'the database': (trap) => {
    const [, quote = '', , command = ''] = injections(trap)
    return {
      database: {
        name: quote,
        owner: 'superuser',
        encoding: 'UTF8',
        collate: quote,
        ctype: command,
        provider: 'c',
        comment: injections(trap).join('\n'),
        connectionLimit: 3,
      },
    }
  },
  'the connection limit': () => ({ database: { connectionLimit: '1; ALTER ROLE app SUPERUSER' } }),
  'everything, as the wrong types': () => ({
    database: [],
    settings: { role: 'superuser' },
    extensions: 'hstore',
    placements: 1,
    extensionGrants: null,
    roles: {},
  }),
}

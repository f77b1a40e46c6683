/**
 * The dependency rules: which package may import which. ARCHITECTURE.md lists them; `npm run check` enforces them with this
 * file.
 */
const mayImport = {
  protocol: [],
  core: ['protocol'],
  node: [],
  storage: ['protocol', 'core', 'node'],
  agent: ['protocol', 'core', 'node', 'storage'],
  manager: ['protocol', 'core', 'node', 'storage'],
  client: ['protocol'],
  cli: ['client', 'protocol', 'core', 'node', 'storage'],
  dashboard: ['client', 'protocol'],
  testkit: ['protocol', 'core', 'node', 'storage', 'agent', 'manager', 'client'],
}

const packageRules = Object.entries(mayImport).map(([name, allowed]) => ({
  name: `${name}-imports`,
  comment: `packages/${name} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other package'}`,
  severity: 'error',
  from: { path: `^packages/${name}/` },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
}))

/** The layers of the manager: http → services → repositories → database, and workers → services. */
const manager = '^packages/manager/src/'
const notTested = '\\.test\\.ts$'
const repositories = `${manager}.*repository\\.ts$`

const managerRules = [
  {
    name: 'manager-no-folder-cycles',
    comment: 'No folder of the manager imports itself over others',
    severity: 'error',
    scope: 'folder',
    from: { path: manager },
    to: { circular: true },
  },
  {
    name: 'manager-sql-in-repositories',
    comment: 'Only repositories and database/ know Kysely',
    severity: 'error',
    from: { path: manager, pathNot: [notTested, repositories, `${manager}database/`] },
    to: { path: 'node_modules/kysely/' },
  },
  {
    name: 'manager-connections-in-database',
    comment: 'Only database/ connects to PostgreSQL',
    severity: 'error',
    from: { path: manager, pathNot: [notTested, `${manager}database/`] },
    to: { path: 'node_modules/pg/' },
  },
  {
    name: 'manager-fastify-in-http',
    comment: 'Only http/ knows Fastify',
    severity: 'error',
    from: { path: manager, pathNot: [notTested, `${manager}http/`] },
    to: { path: 'node_modules/(fastify|@fastify|fastify-type-provider-zod)/' },
  },
  {
    name: 'manager-nothing-imports-http',
    comment: 'Services know nothing of HTTP; manager.ts puts the app together',
    severity: 'error',
    from: { path: manager, pathNot: [`${manager}http/`, `${manager}manager\\.ts$`] },
    to: { path: `${manager}http/` },
  },
  {
    name: 'manager-nothing-imports-workers',
    comment: 'Services know nothing of the workers; manager.ts starts them',
    severity: 'error',
    from: { path: manager, pathNot: [`${manager}workers/`, `${manager}manager\\.ts$`] },
    to: { path: `${manager}workers/` },
  },
  {
    name: 'manager-services-in-between',
    comment: 'http/, workers/ and commands/ call services, not repositories',
    severity: 'error',
    from: { path: `${manager}(http|workers|commands)/` },
    to: { path: repositories },
  },
  {
    name: 'manager-repositories-below-services',
    comment: 'A repository imports domain types and database/, no service',
    severity: 'error',
    from: { path: repositories },
    to: { path: [`${manager}.*service\\.ts$`, `${manager}execution/`, `${manager}lifecycle/`] },
  },
  {
    name: 'manager-database-at-the-bottom',
    comment: 'database/ knows no resource',
    severity: 'error',
    from: { path: `${manager}database/` },
    to: { path: manager, pathNot: `${manager}(database|settings|shared)/` },
  },
]

const pure = '(^node:|^(fs|net|http|https|child_process|crypto|timers|os|path|process)$)'

export default {
  forbidden: [
    ...packageRules,
    {
      name: 'no-cycles',
      comment: 'No module imports itself over others',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'public-exports-only',
      comment: 'Another package is imported through its exports (package.json), never by a path into its src/',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: {
        path: '^packages/[^/]+/src/(?!index\\.ts$|v1/(index|agents|clones|destinations|plan-preview|plans|policies|reconciliations|reports|service-brokers|stores|trends)\\.ts$|tracing/index\\.ts$|kinds\\.ts$|node-flags\\.ts$|buffer-ownership\\.ts$)',
        pathNot: '^packages/$1/',
      },
    },
    {
      name: 'protocol-imports-only-zod',
      comment: 'What crosses a wire depends on zod alone',
      severity: 'error',
      from: { path: '^packages/protocol/src/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: ['^packages/protocol/', 'node_modules/zod/'] },
    },
    {
      name: 'core-is-pure',
      comment: 'Pure decisions do no I/O',
      severity: 'error',
      from: { path: '^packages/core/src/', pathNot: '\\.test\\.ts$' },
      to: { path: pure },
    },
    {
      name: 'testkit-from-tests-only',
      comment: 'The testkit starts systems for tests; nothing that ships imports it',
      severity: 'error',
      from: { path: '^packages/(?!testkit/)', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/testkit/' },
    },
    ...managerRules,
    {
      name: 'resolvable',
      comment: 'Every import resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no API that dependency-cruiser could use; swc reads the same files.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^packages/dashboard/dist' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}

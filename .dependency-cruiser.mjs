/**
 * The arrows between the rooms: which package may import which. ARCHITECTURE.md draws them; this file is what
 * `npm run check` holds the code to.
 */
const mayImport = {
  protocol: [],
  core: ['protocol'],
  storage: ['protocol', 'core'],
  agent: ['protocol', 'core', 'storage'],
  manager: ['protocol', 'core', 'storage'],
  client: ['protocol'],
  testkit: ['protocol', 'core', 'storage', 'agent', 'manager', 'client'],
}

const arrows = Object.entries(mayImport).map(([room, allowed]) => ({
  name: `${room}-imports`,
  comment: `packages/${room} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other room'}`,
  severity: 'error',
  from: { path: `^packages/${room}/` },
  to: { path: '^packages/', pathNot: `^packages/(${[room, ...allowed].join('|')})/` },
}))

const pure = '(^node:|^(fs|net|http|https|child_process|crypto|timers|os|path|process)$)'

export default {
  forbidden: [
    ...arrows,
    {
      name: 'no-cycles',
      comment: 'No module imports itself over others',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'public-doors-only',
      comment: 'Another room is entered through its exports (package.json), never by a path into its src/',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: {
        path: '^packages/[^/]+/src/(?!index\\.ts$|v1/index\\.ts$|collect-buffers-early\\.ts$)',
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
      comment: 'Decisions do no I/O',
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
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}

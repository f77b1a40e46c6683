import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/setup/longest-first.ts'

/** How long `expect.poll` waits for a condition: a limit for a busy machine, which a test that passes never reaches. */
const POLL_TIMEOUT_MS = 120_000

// For programs that tests start: without it each start compiles everything again.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node')

/** Kinds of tests: `unit` beside the code, fast and without servers; `system` in test/ against the lab; `package` of what is shipped. */
export default defineConfig({
  test: {
    // Tests of managers, agents and stores wait for most of their time: it takes six files at a time to keep two cores busy.
    maxWorkers: 6,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          // Files share a worker and its modules, which saves a third of the time. Tests restore what they change (`vi.stubEnv`).
          isolate: false,
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts', 'lab/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/package/**'],
          globalSetup: ['test/setup/lab.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // Real servers on a busy machine: a test that passes when repeated does not fail the run, but is named at its end.
          retry: 1,
          expect: { poll: { timeout: POLL_TIMEOUT_MS } },
        },
      },
      {
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          globalSetup: ['test/setup/packaging.ts', 'test/setup/lab.ts'],
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
          expect: { poll: { timeout: POLL_TIMEOUT_MS } },
        },
      },
    ],
  },
})

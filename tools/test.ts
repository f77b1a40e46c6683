import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { recordDurations } from '../test/setup/durations.ts'
import { runChecks, staticChecks } from './run-checks.ts'

const help = `npm test [-- FILTER…]: runs the static checks (types, lint and format, dependency rules, unused code), then all
tests: the unit tests and the system tests, which use the lab's real servers; it installs them (Debian packages, as root)
and starts them. With filters, only test files whose path contains one of them run. Other arguments are passed to vitest.
With --record-durations, how long each file of system tests took is recorded: those that take longest start first.`

/** Those of `npm run package:test` take minutes more, and build everything that is shipped. */
const projects = ['--project', 'unit', '--project', 'system']

const RECORD = '--record-durations'

const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  testResults: z.array(z.object({ name: z.string(), startTime: z.number(), endTime: z.number() })),
})

/** Runs vitest and says how many tests passed, failed and were skipped, as vitest itself counted them. */
async function runTests(args: readonly string[], isRecorded: boolean): Promise<{ status: number; counts: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'osb-backup-test-'))
  const report = join(folder, 'report.json')
  try {
    const reporters = ['default', 'json', './test/setup/flaky-reporter.ts'].map((reporter) => `--reporter=${reporter}`)
    reporters.push(`--outputFile.json=${report}`)
    const child = spawn('vitest', ['run', ...projects, ...reporters, ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const [status] = (await once(child, 'close')) as [number | null]
    const read = reportSchema.safeParse(JSON.parse(await readFile(report, 'utf8').catch(() => 'null')))
    if (!read.success) return { status: status || 1, counts: '0 passed, 1 failed' }
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = read.data
    if (isRecorded) {
      await recordDurations(
        testResults.map(({ name, startTime, endTime }) => ({ path: name, durationMs: endTime - startTime })),
      )
    }
    return {
      status: status ?? 1,
      counts: `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const given = process.argv.slice(2)
const args = given.filter((arg) => arg !== RECORD)
if (args.includes('--help') || args.includes('-h')) {
  console.log(help)
} else if (!(await runChecks(staticChecks))) {
  process.exitCode = 1
} else {
  const { status, counts } = await runTests(args, given.includes(RECORD))
  console.log(`tests: ${counts}`)
  process.exitCode = status
}

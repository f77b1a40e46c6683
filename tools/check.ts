import { parseArgs } from 'node:util'
import { runChecks, staticChecks } from './run-checks.ts'

const help =
  'npm run check: types, lint and format, dependency rules, unused code, size of the dashboard, unit tests. Prints the output of failed checks and exits with 1.'

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) {
  console.log(help)
} else {
  const size = { name: 'size of the dashboard', command: 'node', args: ['tools/dashboard-size.ts'] }
  const unitTests = { name: 'unit tests', command: 'vitest', args: ['run', '--project', 'unit'] }
  if (!(await runChecks([...staticChecks, size, unitTests]))) process.exitCode = 1
}

import { parseArgs } from 'node:util'
import { runChecks, staticChecks } from './run-checks.ts'

const help =
  'npm run check: types, lint and format, arrows between the rooms, unit tests. Prints what fails; exit 1 then.'

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) {
  console.log(help)
} else {
  const unitTests = { name: 'unit tests', command: 'vitest', args: ['run', '--project', 'unit'] }
  if (!(await runChecks([...staticChecks, unitTests]))) process.exitCode = 1
}

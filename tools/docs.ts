import { parseArgs } from 'node:util'
import { writeCliPage } from './cli-reference.ts'
import { writeValuesSchema } from './helm-values-schema.ts'
import { writeSettingsPage } from './settings-reference.ts'

const help =
  'npm run docs: writes what is generated from the code: settings.md and cli.md in docs/, and values.schema.json in deploy/helm/.'

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) console.log(help)
else await Promise.all([writeSettingsPage(), writeCliPage(), writeValuesSchema()])

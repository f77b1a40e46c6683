import { parseArgs } from 'node:util'
import { writeCliPage } from './cli-reference.ts'
import { writeSettingsPage } from './settings-reference.ts'

const help = 'npm run docs: writes the pages of docs/ that are generated from the code: settings.md and cli.md.'

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) console.log(help)
else await Promise.all([writeSettingsPage(), writeCliPage()])

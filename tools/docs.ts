import { parseArgs } from 'node:util'
import { writeSettingsPage } from './settings-reference.ts'

const help = 'npm run docs: writes the pages of docs/ that are generated from the code: settings.md.'

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) console.log(help)
else await writeSettingsPage()

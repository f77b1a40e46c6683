import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agentSettingsSections } from '@osb-backup/agent'
import { managerSettingsSections } from '@osb-backup/manager'
import { settingsReference } from '@osb-backup/node'

const path = join(import.meta.dirname, '../docs/settings.md')

/** The settings reference, from the tables that the programs parse their settings with. */
export const settingsPage = `# Settings

<!-- Generated from the settings tables by \`npm run docs\`. -->

Settings are environment variables. An empty variable counts as not set. A program that finds a setting wrong or missing
does not start, and prints one sentence that names it. \`--help\` prints the same list.

## Manager

${settingsReference(managerSettingsSections, 3)}
## Agent

${settingsReference(agentSettingsSections, 3)}`

/** The settings reference as it is in docs/. */
export const readSettingsPage = (): Promise<string> => readFile(path, 'utf8')

/** Writes the settings reference into docs/. */
export const writeSettingsPage = (): Promise<void> => writeFile(path, settingsPage)

import { settingsHelp } from '@osb-backup/node'
import { managerSettingsSections } from '../settings/settings-table.ts'

/** What `--help` says after the commands. */
export const helpOfSettings = `
Without a command, the manager starts. SIGTERM and SIGINT (Ctrl-C) shut it down: it finishes open requests, unlocks its jobs for
other managers, and stops the embedded PostgreSQL. A second signal, two seconds later or more, forces it to exit; the embedded
PostgreSQL is stopped even then.

Settings are environment variables.

${settingsHelp(managerSettingsSections)}
`

import { settingDocs } from '../settings/settings.ts'

const width = Math.max(...settingDocs.map(({ name }) => name.length)) + 2
const settingLines = settingDocs.map(
  ({ name, default: value, means }) =>
    `  ${name.padEnd(width)}${means} ${value.startsWith('(') ? value : `(${value})`}`,
)

/** What `--help` prints. */
export const help = `npm start: the manager
npm start -- token create --name NAME [--role viewer|operator|admin] [--instances ID,…] [--expires DAY]
npm start -- token list
npm start -- token revoke ID
npm start -- reconcile DESTINATION [--remove] [--older-than-hours 24]
                              compares a file destination with its restore points
npm start -- key rotate       seals every stored secret under a new key; managers may run meanwhile

Commands work on the same DATA_DIR or DATABASE_URL as the manager, whether it runs or not. Tokens are for viewers and for all
service instances unless told otherwise.

SIGTERM and SIGINT (Ctrl-C) end the manager: it answers what is being asked, lets others have its jobs, and stops the embedded
PostgreSQL. Another signal two seconds later or more ends it at once; the embedded PostgreSQL is told to stop even then.

Settings stand in the environment:

${settingLines.join('\n')}
`

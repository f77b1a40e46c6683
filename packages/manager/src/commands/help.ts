import { settingsHelp } from '@osb-backup/node'
import { managerSettingsSections } from '../settings/settings-table.ts'

/** What `--help` prints. */
export const help = `npm start: starts the manager
npm start -- token create --name NAME [--role viewer|operator|admin] [--instances ID,…] [--expires DAY]
npm start -- token list
npm start -- token revoke ID
npm start -- reconcile DESTINATION [--remove | --adopt] [--older-than-hours 24]
                              compares a file destination with its restore points; removes objects without one, or adopts
                              those that have a manifest as restore points on hold
npm start -- import --from FOLDER [--apply]
                              imports what mongodump or mongoexport wrote of the former manager's database; without
                              --apply only says what it would do
npm start -- recover --from STORES.json [--apply]
                              rebuilds a lost database from the manifests in its stores; without --apply only says what it
                              would do
npm start -- key rotate       reseals every stored secret under a new key; managers may run meanwhile
npm start -- key forget       after the key was lost: erases the secrets that nothing opens any more, and keeps all else;
                              stop the managers first
npm start -- --version        prints the version

Commands work on the same DATA_DIR or DATABASE_URL as the manager, whether it runs or not. By default a token is for a viewer
of all service instances.

SIGTERM and SIGINT (Ctrl-C) shut the manager down: it finishes open requests, unlocks its jobs for other managers, and stops
the embedded PostgreSQL. A second signal, two seconds later or more, forces it to exit; the embedded PostgreSQL is stopped
even then.

Settings are environment variables.

${settingsHelp(managerSettingsSections)}
`

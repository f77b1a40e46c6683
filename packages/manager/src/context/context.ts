import type { Logger } from 'pino'
import type { Database } from '../database/open-database.ts'
import type { Sealer } from '../secrets/sealing.ts'
import type { ManagerSettings } from '../settings/settings.ts'

/** What the manager's rooms work with; made once at the start. */
export interface Context {
  settings: ManagerSettings
  database: Database
  sealer: Sealer
  log: Logger
  /** Says that a job waits, so that the runner of this manager looks for it at once. */
  wakeRunner(): void
  /** The manager's clock, the only one that decides anything. */
  now(): Date
}

import type { Logger } from 'pino'
import type { Database } from './database/open-database.ts'
import type { JobQueue } from './jobs/queue.ts'
import type { Sealer } from './secrets/sealing.ts'
import type { ManagerSettings } from './settings.ts'

/** What the manager's rooms work with; made once at the start. */
export interface Context {
  settings: ManagerSettings
  database: Database
  sealer: Sealer
  queue: JobQueue
  log: Logger
  /** The manager's clock, the only one that decides anything. */
  now(): Date
}

import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { CredHub } from '../credentials/credhub.ts'
import type { JobChanges } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { Sealer } from '../secrets/sealing.ts'
import type { ManagerSettings } from '../settings/settings.ts'
import type { ManagerClock } from '../shared/manager-clock.ts'
import type { ProcessMetrics } from '../shared/process-metrics.ts'

/** The dependencies of the services; created once at the start. */
export interface Context {
  settings: ManagerSettings
  database: Database
  sealer: Sealer
  log: Logger
  clock: ManagerClock
  /** What calls to agents are sent over, each to one agent. */
  agentConnections: { dispatcherFor(agentId: string): Dispatcher }
  /** Holds credentials of databases; undefined: there is none. */
  credHub: Pick<CredHub, 'read'> | undefined
  jobChanges: Pick<JobChanges, 'subscribe' | 'subscribeAlarms' | 'isConnected'>
  /** What this manager measures of itself. */
  processMetrics: Pick<ProcessMetrics, 'requestEnded' | 'text'>
  /** Wakes the workers of this manager, so that they claim a waiting job at once. */
  wakeWorkers(): void
}

/** A context whose statements run in one transaction. */
export type TransactionContext = InTransaction<Context>

/** The dependencies of a repository: the database or a transaction of it, and what opens sealed columns. */
export type RepositoryContext = Pick<Context, 'database' | 'sealer'>

import type { Logger } from 'pino'
import type { QueryScripts } from '../queries/query-scripts.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'
import type { ObjectClaims } from '../stages/object-claim.ts'
import type { AgentStores } from '../stores/agent-stores.ts'
import type { JobMetrics } from './job-metrics.ts'
import type { JobRegistry } from './job-registry.ts'

/** What all jobs of an agent share. */
export interface JobDependencies {
  settings: AgentSettings
  registry: JobRegistry
  stores: AgentStores
  claims: ObjectClaims
  queries: QueryScripts
  metrics: JobMetrics
  /** Where cgroups for scripts are created, if that is permitted. */
  cgroups: string | undefined
  log: Logger
  /** The clock. */
  now: () => Date
}

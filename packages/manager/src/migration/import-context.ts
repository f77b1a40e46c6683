import type { Call } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import type { BackupPlan } from '../plans/plan.ts'
import type { Report } from './report.ts'

/** An import in progress. */
export interface Import {
  context: Pick<Context, 'settings' | 'database' | 'sealer'>
  /** The command that imports. */
  call: Call
  /** Whether anything is written. */
  apply: boolean
  signal: AbortSignal
  report: Report
  /** PostgreSQL's clock at the start. */
  now: Date
  /** The instances that are registered, or would be, by id. */
  instances: Map<string, Pick<ServiceInstance, 'id'>>
  /** The plans, of which imported jobs take what the old manager did not store with them. */
  plans: Map<string, Pick<BackupPlan, 'compression' | 'publicKey' | 'destinationId'>>
}

/** The text of the old system that means "no key". */
export const keyOf = (text: string | undefined) => (text === undefined || text === 'none' ? undefined : text)

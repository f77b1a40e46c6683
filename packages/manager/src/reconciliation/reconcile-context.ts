import type { ObjectStore } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import type { FileDestination } from '../destinations/destination.ts'
import type { Reconciliation } from './reconciliation.ts'

/** The dependencies of a reconciliation. */
export type ReconcileContext = Pick<Context, 'settings' | 'database' | 'sealer'>

export interface ReconcileOptions {
  /** Whether orphans and incomplete uploads are removed. */
  remove: boolean
  /** Whether orphans with a manifest become restore points. Nothing is removed or overwritten then. */
  adopt?: boolean | undefined
  /** Younger ones are neither listed nor removed. */
  olderThanHours?: number | undefined
  signal: AbortSignal
}

/** A reconciliation in progress. */
export interface Reconciling {
  context: ReconcileContext
  destination: FileDestination
  store: ObjectStore
  options: ReconcileOptions
  oldest: Date
  found: Reconciliation
}

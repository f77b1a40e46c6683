import type { VerificationState } from '../restore-points/restore-point.ts'

/** At most this many findings of a kind are listed; all are counted. */
const MAX_LISTED = 1000

/** What was removed, or why it was not. */
interface Removed {
  removed: boolean
  error?: string
}

/** Counts all findings of a kind, and lists the first. */
export class Findings<T> {
  readonly listed: T[]
  total: number

  constructor(listed: T[] = [], total = 0) {
    this.listed = listed
    this.total = total
  }

  add(entry: T): void {
    this.total++
    if (this.listed.length < MAX_LISTED) this.listed.push(entry)
  }
}

/** A reconciliation that was requested, which a manager runs in the background. */
export interface ReconciliationRun {
  id: string
  destinationId: string
  instanceId: string
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  remove: boolean
  adopt: boolean
  olderThanSeconds: number | undefined
  createdAt: Date
  beganAt: Date | undefined
  endedAt: Date | undefined
  /** Why it failed. */
  error: string | undefined
  /** What was found; undefined: it has not succeeded. */
  found: Reconciliation | undefined
}

/** How the objects in a destination differ from its restore points. */
export interface Reconciliation {
  /** How many objects there are, without manifests. */
  objects: number
  /** Objects that no restore point names. */
  orphans: Findings<{ name: string; sizeBytes: number; modifiedAt: Date } & Removed>
  /** Uploads that were begun and not completed. */
  incompleteUploads: Findings<{ name: string; startedAt: Date } & Removed>
  /** Orphans that became restore points, which are held. */
  adopted: Findings<{ id: string; name: string; item: string }>
  /** Orphans that could not become restore points, and why. */
  notAdopted: Findings<{ name: string; problem: string }>
  /** What deleted and replaced objects left in a store that keeps versions. */
  hiddenVersions: { versions: number; deleteMarkers: number; sizeBytes: number }
  /** What the store does not list for this destination, and why; the rest was reconciled without it. */
  notListed: { what: 'incompleteUploads' | 'hiddenVersions'; problem: string }[]
  /** Restore points whose object is missing or damaged. */
  brokenPoints: Findings<{ id: string; name: string; state: Exclude<VerificationState, 'intact'> }>
}

import type { Compression } from '@osb-backup/core'
import type { RemovalReason, Warning } from '@osb-backup/protocol'

/** What reading an object back found: it is as recorded, it is another, or it is not there. */
export type VerificationState = 'intact' | 'damaged' | 'missing'

/** What a succeeded part of a backup job left in a destination: one object. */
export interface RestorePoint {
  id: string
  jobId: string
  planId: string
  instanceId: string
  destinationId: string
  item: string
  /** The object's name is prefix and filename. */
  prefix: string
  filename: string
  sizeBytes: number
  /** Hex; undefined where an agent of the old kind did not say. */
  sha256: string | undefined
  originalSizeBytes: number | undefined
  compression: Compression
  encrypted: boolean
  /** age recipients it was encrypted for. */
  recipients: string[]
  /** The manager's clock. */
  takenAt: Date
  /** The dump was stored whole, but its part failed later: at cleanup or unlock, say. */
  afterFailure: boolean
  /** Never swept, and not deleted, until it is released. */
  held: boolean
  /** What the scripts warned of. */
  warnings: readonly Warning[]
  verification: { at: Date; state: VerificationState } | undefined
  /** The object is being removed: nothing is restored from it any more. */
  removal: Removal | undefined
}

/** How removing an object stands. */
export interface Removal {
  requestedAt: Date
  reason: RemovalReason
  attempts: number
  nextAttemptAt: Date
  /** Why the last attempt failed. */
  error: string | undefined
}

/** Whether a restore point counts as a backup: its part succeeded, and its object was not found damaged or missing. */
export function isGood({ afterFailure, verification }: RestorePoint): boolean {
  return !afterFailure && (verification === undefined || verification.state === 'intact')
}

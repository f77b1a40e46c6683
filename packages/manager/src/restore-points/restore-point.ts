import type { Compression } from '@osb-backup/core'
import type { RemovalReason, Warning } from '@osb-backup/protocol'

/** Result of reading an object back: it is as recorded, it differs, or it does not exist. */
export type VerificationState = 'intact' | 'damaged' | 'missing'

/** What a succeeded part of a backup job stored in a destination: one object. */
export interface RestorePoint {
  id: string
  /** In the order in which restore points were recorded. */
  sequence: number
  jobId: string
  planId: string
  instanceId: string
  destinationId: string
  item: string
  /** The object's name is prefix and filename. */
  prefix: string
  filename: string
  sizeBytes: number
  /** Hex; undefined where an old agent did not report it. */
  sha256: string | undefined
  /** SHA-256 of the manifest, in hex; undefined where an older agent reported none. */
  root: string | undefined
  /** How its store describes the object; undefined where it could not be asked when the point was recorded. */
  object: ObjectState | undefined
  originalSizeBytes: number | undefined
  /** Who compressed and encrypted it: the agent, or its scripts in a way that only they know. */
  transformedBy: 'agent' | 'script'
  /** The plan's flag, as the scripts were given it. A restore gives them the same. */
  compressionRequested: boolean
  /** By the agent. */
  compression: Compression
  /** By the agent with age; or its scripts were given a key. */
  encrypted: boolean
  /** age recipients that the agent encrypted it for. */
  recipients: string[]
  /** PostgreSQL's clock when its job began. */
  takenAt: Date
  /** The dump was stored whole, but its part failed later: at cleanup or unlock, for example. */
  afterFailure: boolean
  /** Neither retention nor a user deletes it until it is released. */
  held: boolean
  /** So much smaller than those before it that it may be no backup; it does not count as one. */
  suspicious: boolean
  /** What it fell short of when it was recorded. */
  usualSizeBytes: number | undefined
  /** A user confirmed that its size is right. */
  confirmation: { at: Date; by: string } | undefined
  /** What the scripts warned of. */
  warnings: readonly Warning[]
  verification: { at: Date; state: VerificationState } | undefined
  /** The object is being removed: nothing is restored from it any more. */
  removal: Removal | undefined
}

/** What distinguishes an object from a newer one of its name. */
export interface ObjectState {
  /** The ETag, where the store has one. */
  tag: string | undefined
  modifiedAt: Date
}

/** A restore point that is not stored yet. */
export type NewRestorePoint = Omit<
  RestorePoint,
  'sequence' | 'held' | 'suspicious' | 'usualSizeBytes' | 'confirmation' | 'verification' | 'removal'
>

/** State of removing an object. */
export interface Removal {
  requestedAt: Date
  reason: RemovalReason
  attempts: number
  nextAttemptAt: Date
  /** Why the last attempt failed. */
  error: string | undefined
  /** When the object lock ends that the last attempt found. */
  lockedUntil: Date | undefined
}

/** What a list of restore points is filtered by. */
export interface PointFilter {
  instanceId: string
  planId?: string | undefined
  item?: string | undefined
  takenFrom?: Date | undefined
  takenUntil?: Date | undefined
}

/** Whether the part of a restore point succeeded, and its object was not found damaged or missing. */
export function isGood({ afterFailure, verification }: RestorePoint): boolean {
  return !afterFailure && (verification === undefined || verification.state === 'intact')
}

/** Whether a restore point would be good if its object, which was not found, is there after all. */
export function isMissing({ afterFailure, verification }: RestorePoint): boolean {
  return !afterFailure && verification?.state === 'missing'
}

/** The name of a restore point's object in its destination. */
export function objectNameOf({ prefix, filename }: Pick<RestorePoint, 'prefix' | 'filename'>): string {
  return prefix + filename
}

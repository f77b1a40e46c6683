import type { Compression } from '@osb-backup/core'
import type { RemovalReason, Warning } from '@osb-backup/protocol'
import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely'
import type { Json, VerifiedState } from './columns.ts'

export interface ObjectNameTable {
  prefix: string
  name: string
  /** The part it was given to; null: its agent chose it. */
  part_id: string | null
  given_at: GeneratedAlways<Date>
}

export interface RestorePointTable {
  id: string
  sequence: GeneratedAlways<string>
  job_id: string
  plan_id: string
  instance_id: string
  destination_id: string
  item: string
  prefix: string
  filename: string
  size_bytes: ColumnType<string, number, never>
  sha256: string | null
  root: string | null
  object_tag: string | null
  object_modified_at: Date | null
  original_size_bytes: ColumnType<string | null, number | null, never>
  /** How long the backup of the item took. Read by trends, written once. */
  duration_seconds: ColumnType<number | null, number | null, never>
  compression: Compression
  transformed_by: 'agent' | 'script'
  compression_requested: boolean
  encrypted: boolean
  /** age recipients it was sealed for, one a line. */
  recipients: string | null
  taken_at: Date
  /** Neither retention nor a user deletes a held point. */
  held: Generated<boolean>
  suspicious: boolean
  usual_size_bytes: ColumnType<string | null, number | null, never>
  confirmed_at: Date | null
  confirmed_by: string | null
  after_failure: Generated<boolean>
  warnings: Json<Warning[]>
  verified_at: Date | null
  verified_state: VerifiedState | null
  /** Set: the object is being removed; that is retried until it is deleted. */
  removal_requested_at: Date | null
  removal_reason: RemovalReason | null
  removal_attempts: Generated<number>
  next_removal_at: Date | null
  removal_error: string | null
  /** When the object lock ends that the last attempt found; the next attempt waits for it. */
  object_locked_until: ColumnType<Date | null, never, Date | null>
  /** When the object was deleted. */
  deleted_at: Date | null
}

/** Written by triggers of `restore_points`. Read as the sum with the changes. */
export interface RestorePointCounterTable {
  instance_id: string
  item: string
  destination_id: string
  /** Whose object is not to be removed. */
  kept: string
  /** Whose object was not removed yet. */
  stored: string
  stored_bytes: string
}

/** By how much the size of what is stored changed on a day in UTC. Written by triggers of `restore_points`. */
export interface StoredBytesTable {
  /** Empty: of all instances. */
  instance_id: string
  day: string
  change_bytes: string
}

/** Reconciliations that run in the background. */
export interface ReconciliationTable {
  id: string
  destination_id: string
  instance_id: string
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  remove: boolean
  adopt: boolean
  older_than_seconds: number | null
  created_at: Date
  began_at: Date | null
  ended_at: Date | null
  /** The attempt that runs it, for as long as that renews `locked_until`, by the database's clock. */
  locked_by: string | null
  locked_until: Date | null
  /** Why it failed. */
  error: string | null
  found: JSONColumnType<StoredFindings | null, string | null, string | null>
}

/** What a reconciliation found; instants are texts. */
export interface StoredFindings {
  objects: number
  orphans: StoredList<{ name: string; sizeBytes: number; modifiedAt: string; removed: boolean; error?: string }>
  incompleteUploads: StoredList<{ name: string; startedAt: string; removed: boolean; error?: string }>
  adopted: StoredList<{ id: string; name: string; item: string }>
  notAdopted: StoredList<{ name: string; problem: string }>
  brokenPoints: StoredList<{ id: string; name: string; state: 'damaged' | 'missing' }>
  hiddenVersions: { versions: number; deleteMarkers: number; sizeBytes: number }
  notListed: { what: 'incompleteUploads' | 'hiddenVersions'; problem: string }[]
}

interface StoredList<T> {
  listed: T[]
  total: number
}

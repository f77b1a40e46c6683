import type { AlarmKind, AlarmObjectKind, AlarmSeverity } from '@osb-backup/protocol'
import type { JsonText } from './columns.ts'

/** Work that one manager does at a time for all. */
export interface SharedTaskTable {
  name: string
  due_at: Date
}

/** What each manager that was not stopped last reported of itself. */
export interface ManagerReportTable {
  id: string
  name: string
  version: string
  reported_at: Date
  /** How far its clock is ahead of PostgreSQL's, where that is more than allowed. */
  skew_seconds: number | null
  disk_free_bytes: string | null
  disk_size_bytes: string | null
  /** When the certificates expire that it shows or trusts, by file; instants are texts. */
  certificates: JsonText<{ file: string; expiresAt: string[] }[]>
}

export interface AlarmTable {
  id: string
  kind: AlarmKind
  severity: AlarmSeverity
  object_kind: AlarmObjectKind
  object_id: string
  object_name: string
  instance_id: string | null
  plan_id: string | null
  sentence: string
  advice: string
  bad_count: number
  good_count: number
  /** When it was raised; null: it was not yet. */
  since: Date | null
  /** When it was resolved; null: it is open. */
  until: Date | null
  acknowledged_at: Date | null
  acknowledged_by: string | null
}

/** What the last check of a destination found. */
export interface DestinationCheckTable {
  destination_id: string
  reachable: boolean | null
  error: string | null
  checked_at: Date | null
  /** When the certificates expire that it is to be trusted by. */
  certificates_expire_at: Date[]
  /** When the credentials expire that it is used with; null: never, or its server does not say. */
  credentials_expire_at: Date | null
  /** When it is checked next, by the database's clock. */
  check_at: Date
}

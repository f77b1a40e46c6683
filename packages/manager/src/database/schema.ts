import type { Compression, RunKind } from '@osb-backup/core'
import type { AgentJob, Host, JobStatus, RetentionStyle } from '@osb-backup/protocol'
import type { ColumnType, Generated, JSONColumnType } from 'kysely'
import type { Grants } from '../auth/caller.ts'
import type { Role } from '../auth/role.ts'

/** The tables as Kysely sees them; `migrations/` makes them. Columns named `sealed_…` hold what `Sealer` sealed. */
export interface Tables {
  service_instances: ServiceInstanceTable
  file_destinations: FileDestinationTable
  backup_plans: BackupPlanTable
  jobs: JobTable
  job_parts: JobPartTable
  restore_points: RestorePointTable
  tokens: TokenTable
  broker_accounts: BrokerAccountTable
  audit_entries: AuditEntryTable
  idempotency_keys: IdempotencyKeyTable
  settings: SettingTable
}

type Json<T extends object> = JSONColumnType<T>
/** JSON that may also be a plain value; written as JSON text. */
type JsonText<T> = ColumnType<T, string, string>
/** Set by the database when the row is made. */
type CreatedAt = ColumnType<Date, Date | undefined, never>

export interface ServiceInstanceTable {
  id: string
  service_id: string | null
  plan_id: string | null
  organization_guid: string | null
  space_guid: string | null
  parameters: Json<Record<string, unknown>>
  hosts: Json<Host[]>
  database_username: string | null
  sealed_database_password: string | null
  agent_url: string
  agent_username: string
  sealed_agent_password: string | null
  version: Generated<number>
  created_at: CreatedAt
  /** Jobs and restore points still name the instance after it is gone. */
  deleted_at: Date | null
}

export interface FileDestinationTable {
  id: string
  instance_id: string
  name: string
  /** The store's settings without its secret. */
  store: Json<Record<string, unknown>>
  sealed_store_secret: string | null
  version: Generated<number>
  created_at: CreatedAt
  /** Restore points still need the destination after it is gone. */
  deleted_at: Date | null
}

export interface BackupPlanTable {
  id: string
  instance_id: string
  destination_id: string
  name: string
  paused: boolean
  compression: boolean
  frequency: string
  timezone: string
  retention_style: RetentionStyle
  retention_period: number
  items: Json<string[]>
  public_key: string | null
  sealed_private_key: string | null
  version: Generated<number>
  created_at: CreatedAt
}

export interface JobTable {
  id: string
  kind: RunKind
  status: JobStatus
  instance_id: string
  /** The plan a backup ran for; it may be gone. */
  plan_id: string | null
  destination_id: string
  /** Restores: the backup job that is restored. */
  source_job_id: string | null
  compression: boolean
  public_key: string | null
  /** Restores: the key that opens what is restored, erased when the job is over. */
  sealed_private_key: string | null
  started_at: Date
  ended_at: Date | null
}

export interface JobPartTable {
  job_id: string
  position: number
  item: string
  /** The database that is dumped or written. */
  database: string
  status: JobStatus
  /** Restores: the file that is restored, and where it is. */
  restore_point_id: string | null
  filename: string | null
  /** Whether the agent has said that it took the part. */
  accepted: Generated<boolean>
  /** What the agent said last. */
  report: ColumnType<AgentJob | null, string | null | undefined, string | null>
  /** Why the part failed, where the agent could not say it. */
  error: string | null
  ended_at: Date | null
}

export interface RestorePointTable {
  id: string
  job_id: string
  plan_id: string
  instance_id: string
  destination_id: string
  item: string
  prefix: string
  filename: string
  size_bytes: ColumnType<string, number, never>
  sha256: string | null
  original_size_bytes: ColumnType<string | null, number | null, never>
  compression: Compression
  encrypted: boolean
  /** age recipients it was sealed for, one a line. */
  recipients: string | null
  taken_at: Date
  /** Held points are never swept. */
  held: Generated<boolean>
  after_failure: Generated<boolean>
  verified_at: Date | null
  verified_state: 'intact' | 'damaged' | 'missing' | null
  deleted_at: Date | null
}

export interface TokenTable {
  id: string
  name: string
  hash: string
  role: Role
  grants: JsonText<Grants>
  expires_at: Date | null
  last_used_at: Date | null
  created_at: CreatedAt
}

export interface BrokerAccountTable {
  name: string
  /** scrypt, with its salt. */
  password_hash: string
  grants: JsonText<Grants>
  created_at: CreatedAt
}

/** Append-only: the database refuses changes. */
export interface AuditEntryTable {
  id: ColumnType<string, never, never>
  at: Date
  caller_kind: string
  caller_id: string
  caller_name: string
  address: string
  action: string
  path: string
  status: number
  instance_id: string | null
}

export interface IdempotencyKeyTable {
  caller_id: string
  key: string
  request_digest: string
  job_id: string
  created_at: Date
}

export interface SettingTable {
  name: string
  value: string
}

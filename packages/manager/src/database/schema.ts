import type { Compression, JobKind } from '@osb-backup/core'
import type {
  AgentJob,
  CompressionAlgorithm,
  FailureCode,
  Host,
  JobStatus,
  PlanRunOutcome,
  RemovalReason,
  RetentionStyle,
  Warning,
} from '@osb-backup/protocol'
import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely'

type Grants = 'all' | readonly string[]
type VerifiedState = 'intact' | 'damaged' | 'missing'

/** The tables as Kysely sees them; `migrations/` creates them. Columns named `sealed_…` hold what `Sealer` sealed. */
export interface Tables {
  agents: AgentTable
  service_instances: ServiceInstanceTable
  file_destinations: FileDestinationTable
  backup_plans: BackupPlanTable
  plan_runs: PlanRunTable
  jobs: JobTable
  job_parts: JobPartTable
  managers: ManagerTable
  job_counters: JobCounterTable
  job_counter_changes: JobCounterChangeTable
  object_names: ObjectNameTable
  restore_points: RestorePointTable
  restore_point_counters: RestorePointCounterTable
  restore_point_counter_changes: RestorePointCounterTable & { id: Generated<string> }
  reconciliations: ReconciliationTable
  tokens: TokenTable
  broker_accounts: BrokerAccountTable
  audit_entries: AuditEntryTable
  idempotency_keys: IdempotencyKeyTable
  settings: SettingTable
  clock_observations: ClockObservationTable
  clock_jumps: ClockJumpTable
}

type Json<T extends object> = JSONColumnType<T>
/** JSON that may also be a plain value; written as JSON text. */
type JsonText<T> = ColumnType<T, string, string>
/** Set by the database when the row is created. */
type CreatedAt = ColumnType<Date, Date | undefined, never>

export interface ServiceInstanceTable {
  id: string
  service_id: string | null
  plan_id: string | null
  organization_guid: string | null
  space_guid: string | null
  parameters: Json<Record<string, unknown>>
  hosts: Json<Host[]>
  /** The one of the hosts that dumps are taken from; the port is 0 if it has none. */
  backup_host: string
  backup_port: number
  database_username: string | null
  sealed_database_password: string | null
  backup_username: string | null
  sealed_backup_password: string | null
  agent_id: string
  version: Generated<number>
  created_at: CreatedAt
  /** Jobs and restore points refer to the instance also after it was deleted. */
  deleted_at: Date | null
}

export interface AgentTable {
  id: string
  name: string | null
  url: string
  username: string
  sealed_password: string | null
  /** Registered along with an instance over the legacy paths; deleted when no instance uses it any more. */
  implicit: boolean
  version: Generated<number>
  created_at: CreatedAt
  /** What the last check found; null: it was never asked. */
  reachable: ColumnType<boolean | null, never, boolean | null>
  error: ColumnType<string | null, never, string | null>
  agent_version: ColumnType<string | null, never, string | null>
  capabilities: ColumnType<string[], never, string>
  last_seen_at: ColumnType<Date | null, never, Date | null>
  last_checked_at: ColumnType<Date | null, never, Date | null>
  /** When it is asked next, by the database's clock. */
  check_at: ColumnType<Date, never, Date>
  /** Deleted instances still refer to it. */
  deleted_at: ColumnType<Date | null, never, Date | null>
}

export interface FileDestinationTable {
  id: string
  instance_id: string
  name: string
  /** The store's settings without its secrets. */
  store: Json<Record<string, unknown>>
  sealed_store_secrets: string | null
  /** Bytes a second, for all transfers of one agent together. */
  bandwidth_limit: ColumnType<string | null, number | null, number | null>
  version: Generated<number>
  created_at: CreatedAt
  /** Restore points need the destination also after it was retired. */
  deleted_at: Date | null
}

export interface BackupPlanTable {
  id: string
  instance_id: string
  destination_id: string
  name: string
  paused: boolean
  compression: boolean
  compression_algorithm: CompressionAlgorithm
  compression_level: number | null
  frequency: string
  timezone: string
  retention_style: RetentionStyle
  retention_period: number
  items: Json<string[]>
  public_key: string | null
  sealed_private_key: string | null
  version: Generated<number>
  created_at: CreatedAt
  /** The next run on which nothing has been decided; null: the plan is paused, or never due again. */
  next_due_at: ColumnType<Date | null, Date | null, Date | null>
  /** The last run on which something was decided. */
  last_due_at: ColumnType<Date | null, never, Date | null>
  /** When that run starts: later than due where runs are spread. */
  next_run_at: ColumnType<Date | null, Date | null, Date | null>
  /** When retention is applied next. */
  retention_due_at: ColumnType<Date, Date | undefined, Date>
  rpo_seconds: number | null
  /** How often a scheduled run is retried at most. */
  retries: number
  /** How many of its items are backed up at the same time at most. */
  parallel_items: number
  /** When the last run is tried again; null, as for the next two: it is not. */
  retry_at: ColumnType<Date | null, never, Date | null>
  /** The attempt that failed. */
  retry_of_job_id: ColumnType<string | null, never, string | null>
  /** The number of the attempt to come; 2 for the first retry. */
  retry_number: ColumnType<number | null, never, number | null>
  /** Changed retention is not applied before this. */
  retention_counts_from: ColumnType<Date | null, never, Date | null>
}

/** What became of the scheduled runs of plans. */
export interface PlanRunTable {
  id: ColumnType<string, never, never>
  plan_id: string
  /** When the run was due; of several that were missed, the first. */
  due_at: Date
  /** Of several that were missed, the last. */
  last_due_at: Date
  runs: number
  outcome: PlanRunOutcome
  late: boolean
  /** Started: the job. Skipped: the job that was still open. */
  job_id: string | null
  reason: string | null
  decided_at: Date
}

export interface JobTable {
  id: string
  kind: JobKind
  status: JobStatus
  instance_id: string
  /** The plan that is backed up or restored; it may be deleted. */
  plan_id: string
  destination_id: string
  /** Restores and verifications: the backup job whose restore points are read. */
  source_job_id: string | null
  /** Null but for backups, as the next three. */
  compression: boolean | null
  compression_algorithm: CompressionAlgorithm | null
  compression_level: number | null
  public_key: string | null
  /** Restores: the key that decrypts what is restored, erased when the job has ended. */
  sealed_private_key: string | null
  /** Restores: passed to the scripts; they override the parameters of the service instance. */
  parameters: Json<Record<string, string | number | boolean>>
  /** Verifications: how many percent of the chunks are read; null: all. */
  sample_percent: number | null
  /** Backups that a schedule started: when the run was due. */
  due_at: Date | null
  /** It started later than it should have, after an outage. */
  late: boolean
  /** How many of its parts run at the same time at most. */
  parallel_items: number
  /** Of a scheduled run: 1 for the first attempt, as for all other jobs. */
  attempt: number
  /** The attempts of a run that is retried; null where there is none. */
  first_attempt_id: string | null
  previous_attempt_id: string | null
  next_attempt_id: ColumnType<string | null, never, string | null>
  /** The order in which jobs were created. */
  queue_number: ColumnType<string, never, never>
  started_at: Date
  /** Null: the job waits or runs. */
  ended_at: Date | null
  /** The manager whose workers run it, a row of `managers`; null: it waits to be claimed. */
  locked_by: string | null
  /** When it began to run, by the database's clock; null: it has not. */
  began_at: ColumnType<Date | null, never, Date>
  cancelled_at: Date | null
  cancelled_by: string | null
}

/** Managers that are alive, by the database's clock. */
export interface ManagerTable {
  id: string
  heartbeat_at: ColumnType<Date, never, Date>
}

export interface JobPartTable {
  job_id: string
  position: number
  item: string
  /** The database that is dumped or written. */
  database: string
  status: JobStatus
  /** Restores and verifications: what is read. */
  restore_point_id: string | null
  filename_prefix: string | null
  filename: string | null
  /** Whether the agent has accepted the part. */
  accepted: Generated<boolean>
  /** What the agent answered last. */
  agent_status: ColumnType<AgentJob | null, string | null | undefined, string | null>
  /** Verifications: how much of the object has been read. */
  bytes_read: ColumnType<string | null, never, number>
  /** Verifications: what was found. */
  verified_state: ColumnType<VerifiedState | null, never, VerifiedState>
  /** Why the part failed, where the agent could not tell. */
  error: string | null
  /** The same for programs. */
  failure_code: ColumnType<FailureCode | null, never, FailureCode | null>
  ended_at: Date | null
  /** When the part began: until it has ended no other part works on its database. Null: it has not begun. */
  reserved_at: ColumnType<Date | null, never, Date>
  /** The database that is reserved. Set with `reserved_at`, as are the next four. */
  instance_id: ColumnType<string | null, never, string>
  agent_id: ColumnType<string | null, never, string>
  agent_url: ColumnType<string | null, never, string>
  host: ColumnType<string | null, never, string>
  port: ColumnType<number | null, never, number>
  /** Since when its agent has not answered, by the database's clock; null: it has. */
  unreachable_since: ColumnType<Date | null, never, Date | null>
  /** Since when its agent has answered that it is busy, by the database's clock. */
  busy_since: ColumnType<Date | null, never, Date | null>
  /** Unknown: when its agent is asked again. */
  check_at: ColumnType<Date | null, never, Date | null>
  /** Since when its database is locked; null: it is not. May change after the end of the part. */
  locked_since: ColumnType<Date | null, never, Date | null>
  /** How often unlocking failed, while it is retried. */
  unlock_attempts: ColumnType<number | null, never, number | null>
}

/** How many jobs were started on a day, in UTC, without the changes in `job_counter_changes`. */
export interface JobCounterTable {
  instance_id: string
  kind: JobKind
  status: JobStatus
  day: string
  count: string
}

/** Written by triggers of `jobs`. */
export interface JobCounterChangeTable {
  id: Generated<string>
  instance_id: string
  kind: JobKind
  status: JobStatus
  day: string
  delta: string
}

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
  /** When the object was deleted. */
  deleted_at: Date | null
}

/** Written by triggers of `restore_points`. Read as the sum with the changes. */
export interface RestorePointCounterTable {
  instance_id: string
  item: string
  /** Whose object is not to be removed. */
  kept: string
  /** Whose object was not removed yet. */
  stored: string
  stored_bytes: string
}

/** Reconciliations that run in the background. */
export interface ReconciliationTable {
  id: string
  destination_id: string
  instance_id: string
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  remove: boolean
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
  brokenPoints: StoredList<{ id: string; name: string; state: 'damaged' | 'missing' }>
}

interface StoredList<T> {
  listed: T[]
  total: number
}

export interface ClockObservationTable {
  boot_id: string
  observed_at: Date
  uptime_seconds: number
  steady_since: Date
}

export interface ClockJumpTable {
  id: GeneratedAlways<string>
  detected_at: Date
  jump_seconds: number
  confirmed_at: Date | null
  confirmed_by: string | null
}

export interface TokenTable {
  id: string
  name: string
  hash: string
  role: 'viewer' | 'operator' | 'admin'
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
  /** What the request created. */
  resource_id: string
  created_at: Date
}

export interface SettingTable {
  name: string
  value: string
}

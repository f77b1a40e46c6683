import type { JobKind } from '@osb-backup/core'
import type { AgentJob, CompressionAlgorithm, FailureCode, JobStatus } from '@osb-backup/protocol'
import type { ColumnType, Generated } from 'kysely'
import type { VerifiedState } from './columns.ts'

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
  /** Restores: JSON that is passed to the scripts and overrides the parameters of the instance; erased with the key. */
  sealed_parameters: string | null
  /** Verifications: how many percent of the chunks are read; null: all. */
  sample_percent: number | null
  /** Restores of a drill: its job. */
  drill_job_id: ColumnType<string | null, string | null | undefined, never>
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
  /** The span that it continues, as W3C Trace Context has it; null: nobody traces it. */
  traceparent: ColumnType<string | null, string | null, never>
  /** The order in which jobs were created. */
  queue_number: ColumnType<string, never, never>
  started_at: Date
  /** Null: the job waits or runs. */
  ended_at: Date | null
  /** The manager whose workers run it, a row of `managers`; null: it waits to be claimed. */
  locked_by: string | null
  /** When it began to run, by the database's clock; null: it has not. */
  began_at: ColumnType<Date | null, Date | undefined, Date>
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
  /** Whether a request to start the part may have reached its agent; recorded before it is sent. */
  may_have_started: Generated<boolean>
  /** Whether the agent has accepted the part. */
  accepted: Generated<boolean>
  /** What the agent answered last. */
  agent_status: ColumnType<AgentJob | null, string | null | undefined, string | null>
  /** Verifications: how much of the object has been read. */
  bytes_read: ColumnType<string | null, never, number>
  /** Verifications: what was found. */
  verified_state: ColumnType<VerifiedState | null, never, VerifiedState>
  /** Why the part failed, if the agent did not report it. */
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
  logs_deleted: Generated<boolean>
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

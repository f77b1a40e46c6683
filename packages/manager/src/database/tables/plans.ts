import type { Generations, RetentionStyle } from '@osb-backup/core'
import type { CompressionAlgorithm, PlanRunOutcome } from '@osb-backup/protocol'
import type { DrillSettings } from '@osb-backup/protocol/v1'
import type { ColumnType, Generated } from 'kysely'
import type { CreatedAt, Json } from './columns.ts'

export interface BackupPlanTable {
  id: string
  instance_id: string
  destination_id: string
  name: string
  label: string | null
  paused: boolean
  compression: boolean
  compression_algorithm: CompressionAlgorithm
  compression_level: number | null
  frequency: string
  timezone: string
  retention_style: RetentionStyle
  retention_period: number
  /** Of the style GFS. */
  retention_generations: ColumnType<Generations | null, string | null | undefined, string | null>
  items: Json<string[]>
  /** What the patterns in `items` do not cover. */
  excluded_items: Json<string[]>
  public_key: string | null
  sealed_private_key: string | null
  /** How it is proven to be restorable; null: it is not. */
  drill: ColumnType<DrillSettings | null, string | null, string | null>
  /** Since when it has drills. */
  drill_since: ColumnType<Date | null, Date | null, Date | null>
  /** When the next drill is due. */
  next_drill_at: ColumnType<Date | null, Date | null, Date | null>
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
  /** What maintains the plan, as `policy:<id>`; null: nothing does. */
  managed_by: string | null
  /** Of a managed plan: whether it may be paused by hand. */
  may_pause: Generated<boolean>
  /** What paused it; null: nobody did, or it was done by hand. */
  paused_by: 'exemption' | null
  /** What maintained it before it was released; null: it was changed by hand since, or never maintained. */
  released_from: string | null
  /** When the last run is tried again; null, as for the next two: it is not. */
  retry_at: ColumnType<Date | null, never, Date | null>
  /** The attempt that failed. */
  retry_of_job_id: ColumnType<string | null, never, string | null>
  /** The number of the attempt to come; 2 for the first retry. */
  retry_number: ColumnType<number | null, never, number | null>
  /** Changed retention is not applied before this. */
  retention_counts_from: ColumnType<Date | null, Date | null, Date | null>
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

import type { DrillVerdict } from '@osb-backup/core'
import type { DrillCheck, DrillSelection, DrillStepName, DrillTarget } from '@osb-backup/protocol/v1'
import type { ColumnType, Generated } from 'kysely'
import type { Json } from './columns.ts'

/** What a drill recorded of itself besides its job. */
export interface DrillTable {
  job_id: string
  selection: DrillSelection
  target: Json<DrillTarget>
  checks: Json<DrillCheck[]>
  step: Generated<DrillStepName>
  /** What the kind of target recorded about the steps of its own. */
  target_state: ColumnType<Record<string, unknown>, string | undefined, string>
  /** The instance that is restored into; null: it is not ready. */
  target_instance_id: string | null
  /** The database that every item is restored over; null: each gets one of its own. */
  target_database: string | null
  /** Why it failed as a whole. */
  failure: string | null
  clean_up_problem: string | null
  clean_up_attempts: Generated<number>
}

export interface DrillPartTable {
  job_id: string
  position: number
  /** The database that is restored into, from when that is requested. */
  database: string | null
  restore_job_id: string | null
  /** When the restore point was taken. */
  taken_at: Date | null
  verdict: ColumnType<DrillVerdict | null, string | null, string | null>
}

/** The steps of drills, each recorded before and after it is done. */
export interface DrillStepTable {
  id: ColumnType<string, never, never>
  job_id: string
  name: DrillStepName
  item: string | null
  began_at: ColumnType<Date, never, never>
  ended_at: ColumnType<Date | null, never, Date>
  succeeded: ColumnType<boolean | null, never, boolean>
  detail: ColumnType<string | null, never, string | null>
}

/** The items that ever had a restore point, and what drills found out about them. */
export interface RestorableItemTable {
  instance_id: string
  item: string
  known_since: ColumnType<Date, Date | undefined, never>
  /** When a drill last proved that it can be restored, and from what. */
  proven_at: Date | null
  proven_point_id: string | null
  proven_point_taken_at: Date | null
  proven_by_job_id: string | null
  recovery_seconds: number | null
  /** The last drill, passed or not. */
  drilled_at: Date | null
  drill_job_id: string | null
  drill_failure: string | null
}

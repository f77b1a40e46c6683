import type { DrillCheck, DrillSelection, DrillStepName, DrillTarget } from '@osb-backup/protocol/v1'

/** A drill as a whole. */
export interface Drill {
  select: DrillSelection
  target: DrillTarget
  checks: readonly DrillCheck[]
  step: DrillStepName
  /** The instance that is restored into; undefined: it is not ready. */
  targetInstanceId: string | undefined
  /** The database that every item is restored over; undefined: each gets one of its own. */
  targetDatabase: string | undefined
  /** Why it failed as a whole. */
  failure: string | undefined
  cleanUpProblem: string | undefined
  steps: readonly DrillStep[]
}

/** A step of a drill that was begun. */
export interface DrillStep {
  name: DrillStepName
  /** Of a restore. */
  item: string | undefined
  beganAt: Date
  endedAt: Date | undefined
  succeeded: boolean | undefined
  detail: string | undefined
}

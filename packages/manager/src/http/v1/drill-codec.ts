import type { JobDrill, JobPart as WirePart } from '@osb-backup/protocol/v1'
import type { Drill, DrillStep } from '../../jobs/drill.ts'
import type { DrillJob, DrillPart } from '../../jobs/job.ts'
import { stateOf } from './job-states.ts'

/** What a drill does, and did, as the API answers it. */
export function drillToWire({ checks: _checks, targetDatabase: _database, steps, ...drill }: Drill): JobDrill {
  return { ...drill, steps: steps.map(stepToWire) }
}

function stepToWire({ name, item, beganAt, endedAt, succeeded, detail }: DrillStep): JobDrill['steps'][number] {
  return {
    name,
    item,
    state: succeeded === undefined ? 'running' : succeeded ? 'succeeded' : 'failed',
    detail,
    startedAt: beganAt.toISOString(),
    endedAt: endedAt?.toISOString(),
  }
}

/** What a drill does for an item, as the API answers it. */
export function drillPartToWire(part: DrillPart, job: DrillJob): WirePart {
  const { item, status, error, failureCode, restorePointId, takenAt, restoreJobId, verdict } = part
  return {
    item,
    database: part.database ?? item,
    state: stateOf(status, job.cancelled !== undefined),
    stages: [],
    error: error ?? verdict?.reason,
    failureCode,
    warnings: [],
    restorePointId,
    drill: {
      restoreJobId,
      takenAt: takenAt?.toISOString(),
      passed: verdict?.passed,
      verified: verdict?.verified ?? false,
      checks: verdict?.checks ?? [],
      recoverySeconds: verdict?.recoverySeconds,
    },
  }
}

import type { RunKind } from '@osb-backup/core'
import { type DatabaseAccess, isSameDatabase } from './job-request.ts'
import { isUnlocking } from './pending-steps.ts'
import type { RegisteredJob } from './registered-job.ts'

/** How many jobs may run, and how many restores even if that many jobs run. */
export interface JobLimits {
  maxJobs: number
  reservedRestores: number
}

/** Why no new jobs are accepted: the agent is recovering or shutting down, or a check of its start failed. */
export type Closure = 'recovering' | 'stopping' | 'start_check_failed'

/** The result of reserving a job. */
export type Reservation =
  | { result: 'started'; job: RegisteredJob }
  | { result: 'known'; job: RegisteredJob }
  | { result: 'cancelled' }
  | Refusal

/** Why a job cannot be started now. */
export type Refusal =
  | { result: 'full' }
  | { result: 'database-busy'; blockedBy: RegisteredJob }
  | { result: 'closed'; closure: Closure }

/** Whether a job may start beside those that run. A restore is not rejected because of backups: a user waits for it. */
export function hasSlot(kind: RunKind, running: readonly RegisteredJob[], limits: JobLimits): boolean {
  if (running.length < limits.maxJobs) return true
  const restores = running.filter(({ record }) => record.request.kind === 'restore')
  return kind === 'restore' && restores.length < limits.reservedRestores
}

/** The job that works on a database, or has not unlocked it, whichever manager it is of. */
export function findBlocker(jobs: readonly RegisteredJob[], database: DatabaseAccess): RegisteredJob | undefined {
  const ofDatabase = jobs.filter(({ record }) => isSameDatabase(record.request.database, database))
  return (
    ofDatabase.find(({ record }) => record.status === 'RUNNING') ??
    ofDatabase.find(({ record }) => record.lockedSince !== undefined) ??
    // An unlock that an operator made superfluous may run a little longer.
    ofDatabase.find(({ record }) => isUnlocking(record))
  )
}

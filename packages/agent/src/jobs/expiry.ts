import type { JobKey } from './job-record.ts'

/** How long jobs that are over can be asked for. */
export interface JobRetention {
  maxAgeMs: number
  /** How many are kept at most, backups and restores together. */
  maxNumber: number
}

/** A job that is over. */
export interface EndedJob extends JobKey {
  endedAt: Date
}

/**
 * Chooses the jobs that are no longer kept: those that ended too long ago, and of the others the oldest that are too
 * many.
 *
 * @param jobs - Every job that is over, in any order; not mutated.
 */
export function expiredJobs(jobs: readonly EndedJob[], { maxAgeMs, maxNumber }: JobRetention, now: Date): EndedJob[] {
  const horizon = now.getTime() - maxAgeMs
  const newestFirst = jobs.toSorted((a, b) => b.endedAt.getTime() - a.endedAt.getTime())
  return newestFirst.filter((job, index) => index >= maxNumber || job.endedAt.getTime() < horizon)
}

import type { JobKey, JobRecord } from './job-record.ts'

/** How long finished jobs are kept. */
export interface JobRetention {
  maxAgeMs: number
  /** Maximum number of finished jobs, backups and restores together. */
  maxNumber: number
}

/** A finished job. */
export interface EndedJob extends JobKey {
  endedAt: Date
}

/** A job that may expire: it has ended, is not locked, and has left nothing incomplete in the store. */
export function expirableJob(record: JobRecord): EndedJob | undefined {
  const { request, endedAt, lockedSince, incompleteUpload } = record
  if (endedAt === undefined || lockedSince !== undefined || incompleteUpload !== undefined) return undefined
  return { kind: request.kind, id: request.id, endedAt }
}

/**
 * Selects the jobs that are no longer kept: those that ended too long ago, and the oldest ones beyond the maximum
 * number.
 *
 * @param jobs - All finished jobs, in any order; not mutated.
 */
export function expiredJobs(jobs: readonly EndedJob[], { maxAgeMs, maxNumber }: JobRetention, now: Date): EndedJob[] {
  const horizon = now.getTime() - maxAgeMs
  const newestFirst = jobs.toSorted((a, b) => b.endedAt.getTime() - a.endedAt.getTime())
  return newestFirst.filter((job, index) => index >= maxNumber || job.endedAt.getTime() < horizon)
}

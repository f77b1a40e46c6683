import type { RunKind } from '@osb-backup/core'
import { isOwed, type JobKey, type JobRecord, newJob } from './job-record.ts'
import type { JobRequest } from './job-request.ts'

/** A job with what belongs to this process: the run, and the way to break it off. */
export interface HeldJob {
  readonly record: JobRecord
  readonly cancel: AbortController
  /** Somebody deleted it while it ran: it goes when it is over. */
  isUnwanted: boolean
  /** Settles when the job is over and nothing of it runs any more. */
  run: Promise<void>
}

/** What came of asking for a new job. */
export type Reservation = { result: 'started'; job: HeldJob } | { result: 'known'; job: HeldJob } | { result: 'full' }

/**
 * The jobs of this agent. Backups and restores have ids of their own and share the limit. Kept in memory; `save` is
 * where a journal goes.
 */
export class JobRegistry {
  readonly #jobs: Record<RunKind, Map<string, HeldJob>> = { backup: new Map(), restore: new Map() }
  readonly #limit: number
  #isClosed = false

  /** @param limit - Jobs that may run at a time. */
  constructor(limit: number) {
    this.#limit = limit
  }

  find({ kind, id }: JobKey): HeldJob | undefined {
    return this.#jobs[kind].get(id)
  }

  /** The jobs that are not over. */
  running(): HeldJob[] {
    return Object.values(this.#jobs).flatMap((jobs) =>
      [...jobs.values()].filter(({ record }) => record.status === 'RUNNING'),
    )
  }

  /** Takes a new job in, in one go: of two requests with one id, one starts. */
  reserve(request: JobRequest, form: 1 | 2, now: Date): Reservation {
    const known = this.find(request)
    if (known !== undefined) return { result: 'known', job: known }
    if (this.#isClosed || this.running().length >= this.#limit) return { result: 'full' }
    const job = {
      record: newJob(request, form, now),
      cancel: new AbortController(),
      isUnwanted: false,
      run: Promise.resolve(),
    }
    this.#jobs[request.kind].set(request.id, job)
    return { result: 'started', job }
  }

  /** Resolves once the record, as it is now, would survive a crash. A run waits for it before every step. */
  async save(_job: JobRecord): Promise<void> {
    // In memory there is nothing to wait for.
  }

  /**
   * Deletes a job. One that is over goes at once and its id is free again. One that runs is cancelled, stays to be
   * seen while its cleanup and unlock run, and goes with `settle`.
   *
   * @returns Whether there was such a job.
   */
  discard({ kind, id }: JobKey): boolean {
    const job = this.find({ kind, id })
    if (job === undefined) return false
    if (job.record.status === 'RUNNING') {
      job.isUnwanted = true
      job.cancel.abort()
    } else {
      this.#jobs[kind].delete(id)
    }
    return true
  }

  /**
   * Takes note that a job is over: deleted ones go. One whose cleanup or unlock failed stays until it is deleted
   * again, so that somebody learns that the database may still be locked.
   */
  settle({ kind, id }: JobKey): void {
    const job = this.find({ kind, id })
    const isLeftDirty = job?.record.steps.some(({ step, ok }) => isOwed(step) && ok === false)
    if (job?.isUnwanted && !isLeftDirty) this.#jobs[kind].delete(id)
  }

  /** Whether the agent is stopping. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** No new jobs from now on. */
  close(): void {
    this.#isClosed = true
  }
}

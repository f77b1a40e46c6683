import type { RunKind } from '@osb-backup/core'
import type { Journal } from '../journal/journal.ts'
import { type EndedJob, expiredJobs, type JobRetention } from './expiry.ts'
import { hasFailedCleanup, type JobKey, type JobRecord, newJob } from './job-record.ts'
import { type JobRequest, withoutSecrets } from './job-request.ts'

/** A job with what belongs to this process: the run, and the way to break it off. */
export interface RegisteredJob {
  /** Once it is over, without logs and secrets: `fullRecord` reads those from the journal. */
  record: JobRecord
  readonly cancel: AbortController
  /** Whether the record is without logs and secrets. */
  isTrimmed: boolean
  /** Settles when the job is over and nothing of it runs any more. */
  run: Promise<void>
}

/** Why no new jobs are taken: the agent has just started or is about to end. */
export type Closure = 'recovering' | 'stopping'

/** What came of asking for a new job. */
export type Reservation =
  | { result: 'started'; job: RegisteredJob }
  | { result: 'known'; job: RegisteredJob }
  | { result: 'full' }
  | { result: 'closed'; closure: Closure }

/**
 * The jobs of this agent. Backups and restores have ids of their own and share the limit. What must survive a crash
 * lies in the journal; what is over is kept in memory only as far as its id, status and times.
 */
export class JobRegistry {
  readonly #jobs: Record<RunKind, Map<string, RegisteredJob>> = { backup: new Map(), restore: new Map() }
  readonly #journal: Journal
  readonly #limit: number
  /** Jobs whose last state could not be written, for want of disk space perhaps. */
  readonly #unsaved = new Set<RegisteredJob>()
  #closure: Closure | undefined = 'recovering'

  /** @param limit - Jobs that may run at a time. */
  constructor(journal: Journal, limit: number) {
    this.#journal = journal
    this.#limit = limit
  }

  find({ kind, id }: JobKey): RegisteredJob | undefined {
    return this.#jobs[kind].get(id)
  }

  /** The jobs that are not over. */
  running(): RegisteredJob[] {
    return this.#all().filter(({ record }) => record.status === 'RUNNING')
  }

  /** Takes a new job in, in one go: of two requests with one id, one starts. `save` makes it last. */
  reserve(request: JobRequest, form: 1 | 2, now: Date): Reservation {
    const known = this.find(request)
    if (known !== undefined) return { result: 'known', job: known }
    if (this.#closure !== undefined) return { result: 'closed', closure: this.#closure }
    if (this.running().length >= this.#limit) return { result: 'full' }
    return { result: 'started', job: this.#hold(newJob(request, form, now)) }
  }

  /** Takes in a job that the journal remembered. */
  restore(record: JobRecord): RegisteredJob {
    const job = this.#hold(record)
    if (record.status !== 'RUNNING') this.#trim(job)
    return job
  }

  /** Resolves once the record, as it is now, would survive a crash. A run waits for it before every step. */
  save(record: JobRecord): Promise<void> {
    return this.#journal.write(record)
  }

  /** All that is known of a job, its logs too. */
  async fullRecord(job: RegisteredJob): Promise<JobRecord> {
    if (!job.isTrimmed) return job.record
    // A file that cannot be read any more costs the logs, not the answer.
    return (await this.#journal.read(job.record.request).catch(() => undefined)) ?? job.record
  }

  /** The jobs that are over but left something at a store. */
  withIncompleteUpload(): RegisteredJob[] {
    return this.#all().filter(({ record }) => record.status !== 'RUNNING' && record.incompleteUpload !== undefined)
  }

  /** Takes note that nothing of a job is left at the store any more. */
  async clearIncompleteUpload(job: RegisteredJob): Promise<void> {
    job.record = await this.fullRecord(job)
    job.isTrimmed = false
    delete job.record.incompleteUpload
    delete job.record.upload
    await this.#saveEnd(job)
  }

  /** Gives up a job that `reserve` took in but that could not be saved: its id is free again. */
  forget({ kind, id }: JobKey): void {
    this.#jobs[kind].delete(id)
  }

  /**
   * Deletes a job, for good when this resolves. One that is over goes at once and its id is free again. One that runs
   * is cancelled, stays to be seen while its cleanup and unlock run, and goes with `settle`.
   *
   * @returns Whether there was such a job.
   */
  async discard({ kind, id }: JobKey): Promise<boolean> {
    const job = this.find({ kind, id })
    if (job === undefined) return false
    if (job.record.status === 'RUNNING') {
      job.record.isDeleted = true
      job.cancel.abort()
      await this.save(job.record)
    } else {
      await this.delete(job)
    }
    return true
  }

  /**
   * Ends a job: deleted ones go. One whose cleanup or unlock failed stays until it is deleted
   * again, so that somebody learns that the database may still be locked.
   *
   * @throws If the end could not be written; it is tried again with every `saveUnsaved`.
   */
  async settle(job: RegisteredJob, status: 'SUCCEEDED' | 'FAILED', now: Date): Promise<void> {
    const { record } = job
    // Seen by callers only when it is written: what they were told must be true after a crash too.
    const isSaved = await this.save({ ...record, status, endedAt: now }).then(
      () => true,
      () => false,
    )
    record.status = status
    record.endedAt = now
    if (record.isDeleted && !hasFailedCleanup(record)) return this.delete(job)
    if (isSaved && !record.isDeleted) return this.#trim(job)
    // It was not written, or a deletion in the meantime wrote over it.
    this.#unsaved.add(job)
    await this.#saveEnd(job)
  }

  /** Tries again to write down the ends that could not be written. */
  async saveUnsaved(): Promise<void> {
    for (const job of this.#unsaved) await this.#saveEnd(job)
  }

  /** The finished jobs that retention no longer keeps. */
  expired(retention: JobRetention, now: Date): RegisteredJob[] {
    const ended = this.#all().flatMap(({ record }): EndedJob[] =>
      record.endedAt === undefined ? [] : [{ ...keyOf(record), endedAt: record.endedAt }],
    )
    return expiredJobs(ended, retention, now).flatMap((key) => this.find(key) ?? [])
  }

  /** Whether a job is still registered: one that was deleted may have made way for another of its id. */
  has(job: RegisteredJob): boolean {
    return this.find(job.record.request) === job
  }

  /** Deletes a finished job, for good when this resolves. */
  async delete(job: RegisteredJob): Promise<void> {
    const key = keyOf(job.record)
    // Callers see it deleted only when a crash would not bring it back.
    await this.#journal.remove(key)
    this.#unsaved.delete(job)
    if (this.has(job)) this.forget(key)
  }

  /** Why no new jobs are taken now, if so. */
  get closure(): Closure | undefined {
    return this.#closure
  }

  /** New jobs are welcome from now on, unless the agent is ending. */
  open(): void {
    if (this.#closure === 'recovering') this.#closure = undefined
  }

  /** No new jobs from now on. */
  close(): void {
    this.#closure = 'stopping'
  }

  #all(): RegisteredJob[] {
    return Object.values(this.#jobs).flatMap((jobs) => [...jobs.values()])
  }

  #hold(record: JobRecord): RegisteredJob {
    const job: RegisteredJob = { record, cancel: new AbortController(), isTrimmed: false, run: Promise.resolve() }
    this.#jobs[record.request.kind].set(record.request.id, job)
    return job
  }

  async #saveEnd(job: RegisteredJob): Promise<void> {
    await this.save(job.record)
    this.#unsaved.delete(job)
    this.#trim(job)
  }

  /** Many jobs are kept for long, and each may have printed much. */
  #trim(job: RegisteredJob): void {
    const { record } = job
    job.isTrimmed = true
    job.record = {
      ...record,
      request: withoutSecrets(record.request, record.incompleteUpload !== undefined),
      steps: record.steps.map((step) => ({ ...step, stdout: '', stderr: '' })),
    }
  }
}

/** The key alone, since a request holds much more. */
const keyOf = ({ request: { kind, id } }: JobRecord): JobKey => ({ kind, id })

import type { RunKind } from '@osb-backup/core'
import type { Journal } from '../journal/journal.ts'
import { isDiskFull } from '../journal/space-reserve.ts'
import type { DescriptorReserve } from './descriptor-reserve.ts'
import { expirableJob, expiredJobs, type JobRetention } from './expiry.ts'
import { type JobKey, type JobRecord, newJob } from './job-record.ts'
import type { DatabaseAccess, JobRequest } from './job-request.ts'
import { pendingSteps } from './pending-steps.ts'
import { isRemovable, newRegisteredJob, type RegisteredJob, trim } from './registered-job.ts'
import { type Closure, findBlocker, hasSlot, type JobLimits, type Refusal, type Reservation } from './reservation.ts'

/**
 * The jobs of this agent. Backups and restores have separate ids and share the limit. What must survive a crash is in
 * the journal; finished jobs are kept in memory without logs and secrets.
 */
export class JobRegistry {
  readonly #jobs: Record<RunKind, Map<string, RegisteredJob>> = { backup: new Map(), restore: new Map() }
  readonly #journal: Journal
  readonly #limits: JobLimits
  /** Jobs whose final state could not be written, for example because the disk is full. */
  readonly #unsaved = new Set<RegisteredJob>()
  #closure: Closure | undefined = 'recovering'
  /** The check of the start that failed, while jobs of before had to be finished. No new job is accepted until it succeeds. */
  startProblem: string | undefined
  readonly #stopping = new AbortController()

  constructor(journal: Journal, limits: JobLimits) {
    this.#journal = journal
    this.#limits = limits
  }

  find({ kind, id }: JobKey): RegisteredJob | undefined {
    return this.#jobs[kind].get(id)
  }

  /** Aborted when the agent shuts down. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** The jobs that have locked their database, finished ones whose unlock is still retried included. */
  locked(): RegisteredJob[] {
    return this.#all().filter(({ record }) => record.lockedSince !== undefined)
  }

  /** The finished jobs whose cleanup or unlock is still retried. */
  pending(): RegisteredJob[] {
    return this.#all().filter(({ record }) => record.status !== 'RUNNING' && pendingSteps(record).length > 0)
  }

  /** The running jobs. */
  running(): RegisteredJob[] {
    return this.#all().filter(({ record }) => record.status === 'RUNNING')
  }

  /**
   * Reserves a new job atomically: of two requests with one id, or for one database, one starts. `save` makes it
   * durable.
   */
  reserve(request: JobRequest, form: 1 | 2, now: Date): Reservation {
    const known = this.find(request)
    if (known !== undefined) return { result: 'known', job: known }
    // It must not start, whenever the request to start it arrives.
    if (this.#journal.cancelled.has(request)) return { result: 'cancelled' }
    const refusal = this.refusalOf(request.kind, request.database)
    return refusal ?? { result: 'started', job: this.#hold(newJob(request, form, now)) }
  }

  /** Why a job of this kind would not be started on a database now; undefined: it would. */
  refusalOf(kind: RunKind, database: DatabaseAccess): Refusal | undefined {
    if (this.closure !== undefined) return { result: 'closed', closure: this.closure }
    const blockedBy = this.blockerOf(database)
    if (blockedBy !== undefined) return { result: 'database-busy', blockedBy }
    return hasSlot(kind, this.running(), this.#limits) ? undefined : { result: 'full' }
  }

  /** Registers a job from the journal. */
  restore(record: JobRecord): RegisteredJob {
    const job = this.#hold(record)
    if (record.status !== 'RUNNING' && pendingSteps(record).length === 0) trim(job)
    return job
  }

  /**
   * Makes a reserved job durable, and reserves what it needs until its database is unlocked.
   *
   * @throws If the disk space or the descriptors are not available; the job is then no longer registered.
   */
  async prepare(job: RegisteredJob, descriptors: () => DescriptorReserve): Promise<void> {
    const { record } = job
    try {
      job.descriptors = descriptors()
      await this.#journal.write(record)
      await this.#journal.reserve(record)
    } catch (error) {
      job.descriptors?.release()
      await this.#journal.remove(record.request).catch(() => undefined)
      this.forget(record.request)
      throw error
    }
  }

  /** Resolves when the record, as it is now, would survive a crash. A job waits for it before every step. */
  save(record: JobRecord): Promise<void> {
    return this.#journal.write(record)
  }

  /** The record of a job with its logs. */
  async fullRecord(job: RegisteredJob): Promise<JobRecord> {
    if (!job.isTrimmed) return job.record
    // If the file can no longer be read, the logs are missing from the answer.
    return (await this.#journal.read(job.record.request).catch(() => undefined)) ?? job.record
  }

  /** The finished jobs that may have left an incomplete upload in a store. */
  withIncompleteUpload(): RegisteredJob[] {
    return this.#all().filter(({ record }) => record.status !== 'RUNNING' && record.incompleteUpload !== undefined)
  }

  /** Records that nothing of a job is left in the store any more. */
  async clearIncompleteUpload(job: RegisteredJob): Promise<void> {
    job.record = await this.fullRecord(job)
    job.isTrimmed = false
    delete job.record.incompleteUpload
    delete job.record.upload
    if (isRemovable(job.record)) await this.delete(job)
    else await this.#saveEnd(job)
  }

  /** Removes a job that was reserved but could not be saved: its id is free again. */
  forget({ kind, id }: JobKey): void {
    this.#jobs[kind].delete(id)
  }

  /**
   * Cancels a job: its cleanup and unlock run, as they do after a crash, and its result is kept. One that has finished stays as it
   * is. One that is not known does not start any more, durably when this resolves.
   *
   * @returns Whether there was such a job.
   */
  async cancel(key: JobKey): Promise<boolean> {
    const job = this.find(key)
    if (job?.record.status === 'RUNNING') job.cancel.abort()
    if (job === undefined) await this.#journal.cancelled.add(key)
    return job !== undefined
  }

  /**
   * Deletes a job, durably when this resolves. A finished one is deleted at once, unless its upload may have left something or
   * its cleanup or unlock is still retried: then it is deleted afterwards. A running one is cancelled, stays visible while its
   * cleanup and unlock run, and is deleted by `settle`. None of its id starts any more.
   *
   * @returns Whether there was such a job.
   */
  async discard(key: JobKey): Promise<boolean> {
    const job = this.find(key)
    if (job?.record.status === 'RUNNING') job.cancel.abort()
    try {
      await this.#journal.cancelled.add(key)
    } catch (error) {
      // Its file makes room for its id.
      const hasEnded = job !== undefined && job.record.status !== 'RUNNING'
      if (!hasEnded || !isDiskFull(error) || !isRemovable({ ...job.record, isDeleted: true })) throw error
      await this.delete(job)
      await this.#journal.cancelled.add(key)
      return true
    }
    if (job === undefined) return false
    if (job.record.status === 'RUNNING' || pendingSteps(job.record).length > 0) {
      job.record.isDeleted = true
      job.cancel.abort()
      await this.save(job.record)
    } else if (job.record.incompleteUpload === undefined) {
      await this.delete(job)
    } else {
      job.record = await this.fullRecord(job)
      job.isTrimmed = false
      job.record.isDeleted = true
      await this.#saveEnd(job)
    }
    return true
  }

  /**
   * Records the end of a job and deletes it if that was requested. A job whose cleanup or unlock is still retried keeps
   * what it needs for that.
   *
   * @throws If the end could not be written; `saveUnsaved` retries that.
   */
  async settle(job: RegisteredJob, status: 'SUCCEEDED' | 'FAILED', now: Date): Promise<void> {
    const { record } = job
    // Visible to callers only once it is written: an answer must still be true after a crash.
    const isSaved = await this.save({ ...record, status, endedAt: now }).then(
      () => true,
      () => false,
    )
    record.status = status
    record.endedAt = now
    job.descriptors?.release()
    if (pendingSteps(record).length > 0) return this.save(record)
    if (isRemovable(record)) return this.delete(job)
    if (isSaved && !record.isDeleted) return this.#retire(job)
    // It was not written, or was overwritten by a concurrent deletion.
    this.#unsaved.add(job)
    await this.#saveEnd(job)
  }

  /**
   * Records that nothing of a job that has ended is retried any more.
   *
   * @throws If that could not be written; `saveUnsaved` retries it.
   */
  async resolve(job: RegisteredJob): Promise<void> {
    if (isRemovable(job.record)) return this.delete(job)
    this.#unsaved.add(job)
    await this.#saveEnd(job)
  }

  /** Records that an operator unlocked the database of a job, durably when this resolves. */
  async markUnlocked(job: RegisteredJob, now: Date): Promise<void> {
    const { record } = job
    delete record.lockedSince
    record.markedUnlockedAt = now
    await this.save(record)
    job.operatorUnlocked.abort()
    job.retryNow?.abort()
  }

  /** Retries writing the results that could not be written. */
  async saveUnsaved(): Promise<void> {
    for (const job of this.#unsaved) await this.#saveEnd(job)
  }

  /** The finished jobs that retention no longer keeps; none that is locked or may have left something in the store. */
  expired(retention: JobRetention, now: Date): RegisteredJob[] {
    const ended = this.#all().flatMap(({ record }) => expirableJob(record) ?? [])
    return expiredJobs(ended, retention, now).flatMap((key) => this.find(key) ?? [])
  }

  /** Whether a job is still registered: after it was deleted, another job may have its id. */
  has(job: RegisteredJob): boolean {
    return this.find(job.record.request) === job
  }

  /** Deletes a finished job, durably when this resolves. */
  async delete(job: RegisteredJob): Promise<void> {
    const key = keyOf(job.record)
    // Visible to callers only once a crash would not bring it back.
    await this.#journal.remove(key)
    this.#unsaved.delete(job)
    if (this.has(job)) this.forget(key)
  }

  /** Why no new jobs are accepted at the moment, if so. */
  get closure(): Closure | undefined {
    return this.#closure ?? (this.startProblem === undefined ? undefined : 'start_check_failed')
  }

  /** Accepts new jobs from now on, unless the agent is shutting down. */
  open(): void {
    if (this.#closure === 'recovering') this.#closure = undefined
  }

  /** Accepts no new jobs from now on. */
  close(): void {
    this.#closure = 'stopping'
    this.#stopping.abort()
  }

  /** The job that works on the database of a request, or has not unlocked it, whichever manager it is of. */
  blockerOf(database: DatabaseAccess): RegisteredJob | undefined {
    return findBlocker(this.#all(), database)
  }

  #all(): RegisteredJob[] {
    return Object.values(this.#jobs).flatMap((jobs) => [...jobs.values()])
  }

  #hold(record: JobRecord): RegisteredJob {
    const job = newRegisteredJob(record)
    this.#jobs[record.request.kind].set(record.request.id, job)
    return job
  }

  async #saveEnd(job: RegisteredJob): Promise<void> {
    await this.save(job.record)
    this.#unsaved.delete(job)
    await this.#retire(job)
  }

  /** Releases what a running job needs, unless its cleanup or unlock is still retried. */
  async #retire(job: RegisteredJob): Promise<void> {
    if (pendingSteps(job.record).length > 0) return
    trim(job)
    await this.#journal.release(keyOf(job.record))
  }
}

/** Only the key, since a request contains much more. */
const keyOf = ({ request: { kind, id } }: JobRecord): JobKey => ({ kind, id })

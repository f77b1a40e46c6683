import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context/context.ts'
import { DatabaseUnavailable } from '../database/database-unavailable.ts'
import { type Claimant, unlockJob } from '../jobs/claim-jobs.ts'
import { type JobLock, JobLockLost } from '../jobs/job.ts'
import { expireOtherLeases, Lease } from '../jobs/lease.ts'
import { failJob } from '../jobs/part-results.ts'
import { traceJob } from '../jobs/trace-job.ts'

/** How often jobs that other managers unlocked are looked for; new jobs and free places are known at once. */
const POLL_MS = 1000
/** Pause after a job could not be run: nothing may spin on a database that is down. */
const RETRY_MS = 5000
/** How often in a row running a job may fail here before it is given up. */
const MAX_FAILURES = 20

/** How a pool claims the jobs that it is for, and runs one. */
export interface JobWork {
  claim(context: Context, claimant: Claimant): Promise<{ claimed: string[]; maybeMore: boolean }>
  run(context: Context, lock: JobLock, signal: AbortSignal): Promise<void>
  /** Gives a job up that could not be run too often; absent: what has not begun of it fails. */
  giveUp?(context: Context, lock: JobLock, reason: string): Promise<void>
}

/**
 * Claims waiting jobs and runs them, any number at the same time, within the limits. Every manager has a pool; together they
 * run each job exactly once, whichever of them dies.
 */
export class JobWorkerPool {
  readonly #context: Context
  readonly #work: JobWork
  readonly #stopping = new AbortController()
  readonly #running = new Map<string, Promise<void>>()
  readonly #failures = new Map<string, number>()
  #wake: (() => void) | undefined
  #loop: Promise<void> = Promise.resolve()
  #lease: Lease | undefined

  constructor(context: Context, work: JobWork) {
    this.#context = context
    this.#work = work
  }

  /**
   * Starts to claim jobs.
   *
   * @param isAlone - This manager knows itself to be the only one: any other that has jobs locked is dead.
   */
  async start({ isAlone }: { isAlone: boolean }): Promise<void> {
    if (isAlone) await expireOtherLeases(this.#context)
    const lease = new Lease(this.#context)
    await lease.register()
    this.#loop = this.#run(lease).catch((error: unknown) =>
      this.#context.log.fatal({ err: error }, 'the job worker pool ended'),
    )
  }

  /** Whether this manager may claim and run jobs: others have not taken them over, and it does not shut down. */
  get hasLease(): boolean {
    return this.#lease?.lost.aborted === false && !this.#stopping.signal.aborted
  }

  /** Looks for jobs now. */
  wake(): void {
    this.#wake?.()
  }

  /** Unlocks all jobs of this process, so that another one claims them at once. They continue at their agents. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the manager is stopping'))
    this.#wake?.()
    await this.#loop
  }

  async #run(first: Lease): Promise<void> {
    for (let lease = first; ; lease = await this.#register()) {
      this.#lease = lease
      const keeping = lease.keep(this.#stopping.signal)
      await this.#claimUnder(lease)
      await keeping
      await Promise.all(this.#running.values())
      await lease.release().catch((error: unknown) => {
        this.#context.log.warn({ err: error }, 'deregistering failed; the jobs are unlocked when the lease expires')
      })
      if (this.#stopping.signal.aborted) return
    }
  }

  async #register(): Promise<Lease> {
    for (;;) {
      const lease = new Lease(this.#context)
      try {
        await lease.register()
        return lease
      } catch (error) {
        this.#context.log.warn({ err: error }, 'registering failed; retrying')
        if (this.#stopping.signal.aborted) return lease
        await sleep(POLL_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      }
    }
  }

  /** Claims jobs until the lease is lost, or the manager stops. */
  async #claimUnder(lease: Lease): Promise<void> {
    const ended = AbortSignal.any([lease.lost, this.#stopping.signal])
    while (!ended.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      try {
        const claimant = { lockedBy: lease.id, running: [...this.#running.keys()] }
        const { claimed, maybeMore } = await this.#work.claim(this.#context, claimant)
        for (const jobId of claimed) this.#begin(jobId, lease.id, ended)
        if (maybeMore) continue
      } catch (error) {
        this.#context.log.warn({ err: error }, 'claiming jobs failed; retrying')
      }
      const poll = new AbortController()
      const signal = AbortSignal.any([ended, poll.signal])
      await Promise.race([woken, sleep(POLL_MS, undefined, { signal }).catch(() => undefined)])
      poll.abort()
    }
  }

  #begin(jobId: string, lockedBy: string, signal: AbortSignal): void {
    const done = this.#runOne({ id: jobId, lockedBy }, signal).finally(() => {
      this.#running.delete(jobId)
      this.#wake?.()
    })
    this.#running.set(jobId, done)
  }

  /**
   * Runs a job as far as it can be run now; unless it has ended, it is unlocked, so that it occupies no place while it waits. If that
   * fails here, the job is unlocked after a pause; after too many failures in a row it is given up.
   */
  async #runOne(lock: { id: string; lockedBy: string }, signal: AbortSignal): Promise<void> {
    const { log } = this.#context
    try {
      await traceJob(this.#context, lock.id, () => this.#work.run(this.#context, lock, signal))
      this.#failures.delete(lock.id)
    } catch (error) {
      if (error instanceof JobLockLost) return
      if (!signal.aborted) {
        log.error({ err: error, jobId: lock.id }, 'running a job failed; retrying')
        if (await this.#gaveUp(lock, error)) return
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
      }
    }
    // If this fails too, the job is claimed again as one that its manager has locked but does not run.
    await unlockJob(this.#context, lock).catch((error: unknown) =>
      log.debug({ err: error, jobId: lock.id }, 'a job was not unlocked'),
    )
  }

  /** Counts a failure, unless our database was the reason, which is none of the job. Returns whether the job was given up. */
  async #gaveUp(lock: { id: string; lockedBy: string }, cause: unknown): Promise<boolean> {
    if (cause instanceof DatabaseUnavailable) return false
    const failures = (this.#failures.get(lock.id) ?? 0) + 1
    this.#failures.set(lock.id, failures)
    if (failures < MAX_FAILURES) return false
    this.#failures.delete(lock.id)
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#context.log.error({ jobId: lock.id, reason }, 'a job is given up')
    try {
      const giveUp = this.#work.giveUp ?? failJob
      await giveUp(this.#context, lock, `The manager failed ${MAX_FAILURES} times to run the job: ${reason}`)
      return true
    } catch (error) {
      if (!(error instanceof JobLockLost)) this.#context.log.error({ err: error, jobId: lock.id }, 'giving up failed')
      return error instanceof JobLockLost
    }
  }
}

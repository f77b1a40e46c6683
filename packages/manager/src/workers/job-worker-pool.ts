import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Context } from '../context/context.ts'
import { JobDriver } from '../execution/run-job.ts'
import { takeJobs } from '../jobs/claims-repository.ts'
import { Lease } from './lease.ts'

/** How often jobs that others let go of are looked for; new ones and freed places are known at once. */
const POLL_MS = 1000
/** How long a job is left alone after driving it failed here: nothing may spin on a database that is down. */
const AFTER_FAILURE_MS = 5000

/**
 * Takes waiting jobs and drives them, any number at the same time, within the limits. Every manager has one; together they
 * drive each job exactly once, whoever of them dies.
 */
export class JobRunner {
  readonly #context: Context
  readonly #driver: JobDriver
  readonly #stopping = new AbortController()
  readonly #driving = new Map<string, Promise<void>>()
  #wake: (() => void) | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(context: Context) {
    this.#context = context
    this.#driver = new JobDriver(context)
  }

  /**
   * Begins to take jobs.
   *
   * @param isAlone - This manager knows itself to be the only one: whoever else drove jobs is dead.
   */
  async start({ isAlone }: { isAlone: boolean }): Promise<void> {
    const { database, log } = this.#context
    if (isAlone) await database.deleteFrom('managers').execute()
    const lease = new Lease()
    await lease.open(database)
    this.#running = this.#run(lease).catch((error: unknown) => log.fatal({ err: error }, 'the job runner ended'))
  }

  /** Looks for jobs now. */
  wake(): void {
    this.#wake?.()
  }

  /** Lets go of all jobs that this process drives, so that another one takes them at once. They go on at their agents. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the manager is stopping'))
    this.#wake?.()
    await this.#running
  }

  async #run(first: Lease): Promise<void> {
    for (let lease = first; ; lease = await this.#reopen()) {
      const keeping = lease.keep(this.#context.database, this.#context.log, this.#stopping.signal)
      await this.#takeUnder(lease)
      await keeping
      await Promise.all(this.#driving.values())
      await lease.close(this.#context.database).catch((error: unknown) => {
        this.#context.log.warn({ err: error }, 'this manager could not sign off; its jobs are free in a while')
      })
      if (this.#stopping.signal.aborted) return
    }
  }

  async #reopen(): Promise<Lease> {
    for (;;) {
      const lease = new Lease()
      try {
        await lease.open(this.#context.database)
        return lease
      } catch (error) {
        this.#context.log.warn({ err: error }, 'this manager cannot sign on; trying again')
        if (this.#stopping.signal.aborted) return lease
        await delay(POLL_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      }
    }
  }

  /** Takes jobs until the lease is lost, or the manager stops. */
  async #takeUnder(lease: Lease): Promise<void> {
    const over = AbortSignal.any([lease.lost, this.#stopping.signal])
    while (!over.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      try {
        const { taken, maybeMore } = await takeJobs(this.#context, lease.id, [...this.#driving.keys()])
        for (const jobId of taken) this.#drive(jobId, lease, over)
        if (maybeMore) continue
      } catch (error) {
        this.#context.log.warn({ err: error }, 'waiting jobs cannot be taken; trying again')
      }
      const poll = new AbortController()
      const signal = AbortSignal.any([over, poll.signal])
      await Promise.race([woken, delay(POLL_MS, undefined, { signal }).catch(() => undefined)])
      poll.abort()
    }
  }

  #drive(jobId: string, lease: Lease, signal: AbortSignal): void {
    const done = this.#driveToEnd(jobId, lease, signal).finally(() => {
      this.#driving.delete(jobId)
      this.#wake?.()
    })
    this.#driving.set(jobId, done)
  }

  async #driveToEnd(jobId: string, lease: Lease, signal: AbortSignal): Promise<void> {
    const { database, log } = this.#context
    try {
      await this.#driver.drive(jobId, lease.id, signal)
      return
    } catch (error) {
      if (!signal.aborted) {
        log.error({ err: error, jobId }, 'a job could not be driven; trying again')
        await delay(AFTER_FAILURE_MS, undefined, { signal }).catch(() => undefined)
      }
    }
    // If this fails too, the job is taken back as one that its driver does not know of.
    await sql`update jobs set driver_id = null where id = ${jobId} and driver_id = ${lease.id} and ended_at is null`
      .execute(database)
      .catch((error: unknown) => log.debug({ err: error, jobId }, 'a job was not let go of'))
  }
}

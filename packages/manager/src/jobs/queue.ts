import { setTimeout as delay } from 'node:timers/promises'
import type { Transaction } from 'kysely'
import type { ClientConfig } from 'pg'
import { fromKysely, PgBoss } from 'pg-boss'
import type { Logger } from 'pino'
import { sessionConfig } from '../database/open-database.ts'
import type { Tables } from '../database/schema.ts'

const QUEUE = 'run-job'
/** A job whose manager was not heard from for so long goes to another one. */
const HEARTBEAT_SECONDS = 20
/** The longest that pg-boss allows. A job that takes longer is taken up again, which loses nothing. */
const EXPIRE_SECONDS = 24 * 3600 - 1
/** New jobs are notified of; those that another manager let go of are found by polling. */
const POLL_SECONDS = 5
/** How long a job is left alone after driving it failed here: nothing may spin on a database that is down. */
const AFTER_FAILURE_MS = 5000
/** Taking a job over is no failure, so it may happen any number of times. */
const RETRY_LIMIT = 1_000_000

/**
 * Which jobs wait for somebody to drive them: pg-boss, in the manager's own database. Entries are written in the
 * transaction that makes the job, so that there is never one without the other.
 */
export class JobQueue {
  readonly #boss: PgBoss
  readonly #log: Logger
  readonly #stopping = new AbortController()

  private constructor(boss: PgBoss, log: Logger) {
    this.#boss = boss
    this.#log = log
  }

  /** Opens the queue, making its tables if they are not there. */
  static async open(connection: ClientConfig, log: Logger): Promise<JobQueue> {
    const boss = new PgBoss({
      ...(connection as ClientConfig & { host?: string; user?: string; password?: string }),
      application_name: `${sessionConfig.application_name} queue`,
      schema: 'job_queue',
      max: 5,
      useListenNotify: true,
      schedule: false,
      superviseIntervalSeconds: 10,
      monitorIntervalSeconds: 10,
    })
    boss.on('error', (error) => log.warn({ err: error }, 'the job queue has trouble'))
    try {
      await boss.start()
      await boss.createQueue(QUEUE, {
        notify: true,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        expireInSeconds: EXPIRE_SECONDS,
        retryLimit: RETRY_LIMIT,
        retentionSeconds: 365 * 24 * 3600,
        deleteAfterSeconds: 24 * 3600,
      })
      return new JobQueue(boss, log)
    } catch (error) {
      await boss.stop({ graceful: false })
      throw error
    }
  }

  /**
   * Takes from their drivers all jobs that are being driven, so that they are taken up at once. Only for a manager that
   * knows itself to be the only one, before it works: whoever drove them is dead.
   */
  async reclaim(): Promise<void> {
    const entries = await this.#boss.findJobs(QUEUE, { limit: 100_000 })
    const driven = entries.filter((entry) => entry.state === 'active').map((entry) => entry.id)
    if (driven.length > 0) await this.#boss.fail(QUEUE, driven, { reason: 'its manager is gone' })
  }

  /** Adds a job within the transaction that makes its row. */
  async enqueue(transaction: Transaction<Tables>, jobId: string): Promise<void> {
    await this.#boss.send(QUEUE, { jobId }, { db: fromKysely(transaction) })
  }

  /**
   * Takes jobs and drives them.
   *
   * @param drive - Drives one job to its end. Called again, here or in another manager, after it threw, after its
   *   process died, or after the signal stopped it.
   * @param atOnce - How many jobs this process drives at the same time.
   */
  async work(drive: (jobId: string, signal: AbortSignal) => Promise<void>, atOnce: number): Promise<void> {
    await this.#boss.work<{ jobId: string }>(
      QUEUE,
      { localConcurrency: atOnce, batchSize: 1, notifyPollingIntervalSeconds: POLL_SECONDS },
      async (entries) => {
        for (const { data, signal: lost } of entries) {
          const signal = AbortSignal.any([lost, this.#stopping.signal])
          await drive(data.jobId, signal).catch(async (error: unknown) => {
            if (!signal.aborted) {
              this.#log.error({ err: error, jobId: data.jobId }, 'a job could not be driven; trying again')
              await delay(AFTER_FAILURE_MS, undefined, { signal }).catch(() => undefined)
            }
            throw error
          })
        }
      },
    )
  }

  /** Lets go of all jobs that this process drives, so that another one takes them at once, and closes. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the manager is stopping'))
    await this.#boss.stop({ graceful: true, timeout: 10_000 })
  }
}

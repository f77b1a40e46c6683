import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { Client, type ClientConfig } from 'pg'
import type { Logger } from 'pino'
import { sessionConfig } from './open-database.ts'
import type { InTransaction } from './transaction.ts'

const CHANNEL = 'job_changes'
const ALARM_CHANNEL = 'alarm_changes'
const RECONNECT_MS = 1000

/** Notifies all managers that a job changed, once the transaction is committed. */
export async function notifyJobChange({ database }: InTransaction, jobId: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${jobId})`.execute(database)
}

/** Notifies all managers that an alarm was raised, resolved or acknowledged, once the transaction is committed. */
export async function notifyAlarmChange({ database }: InTransaction, alarmId: string): Promise<void> {
  await sql`select pg_notify(${ALARM_CHANNEL}, ${alarmId})`.execute(database)
}

/** Listens for jobs and alarms that change, whichever manager changed them. One connection serves all subscribers. */
export class JobChanges {
  readonly #listeners = new Set<(jobId: string) => void>()
  readonly #alarmListeners = new Set<(alarmId: string) => void>()
  readonly #stopping = new AbortController()
  readonly #connection: ClientConfig
  readonly #log: Logger
  readonly #running: Promise<void>

  constructor(connection: ClientConfig, log: Logger) {
    this.#connection = connection
    this.#log = log
    this.#running = this.#keepListening()
  }

  /**
   * Calls back for each job that changes. Changes during a lost connection are missed: subscribers that need every change
   * also read the jobs from time to time.
   *
   * @returns Ends the subscription.
   */
  subscribe(listener: (jobId: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The same for each alarm that is raised, resolved or acknowledged. */
  subscribeAlarms(listener: (alarmId: string) => void): () => void {
    this.#alarmListeners.add(listener)
    return () => this.#alarmListeners.delete(listener)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #keepListening(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#listenUntilDisconnected(signal).catch((error: unknown) =>
        this.#log.warn({ err: error }, 'the connection for job notifications was lost; reconnecting'),
      )
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Listens until the connection is lost, which rejects, or until it is stopped. */
  async #listenUntilDisconnected(signal: AbortSignal): Promise<void> {
    const client = new Client({ ...sessionConfig, ...this.#connection, application_name: 'osb-backup-manager events' })
    const ended = new Promise<void>((resolve, reject) => {
      client.on('error', reject)
      client.on('end', () => reject(new Error('the connection was closed')))
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    // Awaited below; until then its rejection has an owner.
    ended.catch(() => undefined)
    client.on('notification', ({ channel, payload = '' }) => {
      for (const listener of channel === ALARM_CHANNEL ? this.#alarmListeners : this.#listeners) listener(payload)
    })
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
      await client.query(`listen ${ALARM_CHANNEL}`)
      await ended
    } finally {
      client.removeAllListeners('end')
      await client.end().catch((error: unknown) => this.#log.debug({ err: error }, 'the connection did not close'))
    }
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { sql, type Transaction } from 'kysely'
import { Client, type ClientConfig } from 'pg'
import type { Logger } from 'pino'
import { sessionConfig } from './open-database.ts'
import type { Tables } from './schema.ts'

const CHANNEL = 'job_changes'
const RECONNECT_MS = 1000

/** Says that a job changed, to all managers, once the transaction is committed. */
export async function announceJobChange(transaction: Transaction<Tables>, jobId: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${jobId})`.execute(transaction)
}

/** Hears of every job that changes, whichever manager changed it. One connection serves all who listen. */
export class JobChanges {
  readonly #listeners = new Set<(jobId: string) => void>()
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
   * Calls back for each job that changes. Changes during a lost connection are missed: who must not miss any reads the
   * jobs now and then.
   *
   * @returns Stops the calls.
   */
  subscribe(listener: (jobId: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #keepListening(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#listenOnce(signal).catch((error: unknown) =>
        this.#log.warn({ err: error }, 'job changes are not heard; trying again'),
      )
      await delay(RECONNECT_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Listens until the connection is lost, which rejects, or until it is stopped. */
  async #listenOnce(signal: AbortSignal): Promise<void> {
    const client = new Client({ ...sessionConfig, ...this.#connection, application_name: 'osb-backup-manager events' })
    const over = new Promise<void>((resolve, reject) => {
      client.on('error', reject)
      client.on('end', () => reject(new Error('the connection was closed')))
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    // Awaited below; until then its rejection has an owner.
    over.catch(() => undefined)
    client.on('notification', ({ payload = '' }) => {
      for (const listener of this.#listeners) listener(payload)
    })
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
      await over
    } finally {
      client.removeAllListeners('end')
      await client.end().catch((error: unknown) => this.#log.debug({ err: error }, 'the connection did not close'))
    }
  }
}

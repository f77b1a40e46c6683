import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Client } from 'pg'
import type { Logger } from 'pino'
import { type Connection, DatabaseClient } from './database-client.ts'
import { ANSWER_TIMEOUT_MS, sessionConfig } from './session.ts'
import type { InTransaction } from './transaction.ts'

const CHANNEL = 'job_changes'
const REVOCATIONS = 'revocations'
const ALARM_CHANNEL = 'alarm_changes'
const RECONNECT_MS = 1000
/** How often the connection is asked for a sign of life, and how long that may take. */
const PING_EVERY_MS = 10_000
const PING_TIMEOUT_MS = 5_000

/** Notifies all managers that a job changed, once the transaction is committed. */
export async function notifyJobChange({ database }: InTransaction, jobId: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${jobId})`.execute(database)
}

/** Notifies all managers that a credential was revoked, once the transaction is committed. */
export async function notifyRevocation({ database }: InTransaction, callerKey: string): Promise<void> {
  await sql`select pg_notify(${REVOCATIONS}, ${callerKey})`.execute(database)
}

/** Notifies all managers that an alarm was raised, resolved or acknowledged, once the transaction is committed. */
export async function notifyAlarmChange({ database }: InTransaction, alarmId: string): Promise<void> {
  await sql`select pg_notify(${ALARM_CHANNEL}, ${alarmId})`.execute(database)
}

/** Who is called back for changes. */
export interface JobChangeListener {
  changed?(jobId: string): void
  /** A credential was revoked. */
  revoked?(callerKey: string): void
  /** The connection was lost: changes are missed from now on. */
  disconnected?(): void
}

/**
 * Listens for jobs and alarms that change and credentials that are revoked, whichever manager did it. One connection serves all
 * subscribers.
 */
export class JobChanges {
  readonly #listeners = new Set<JobChangeListener>()
  readonly #alarmListeners = new Set<(alarmId: string) => void>()
  readonly #stopping = new AbortController()
  readonly #connection: Connection
  readonly #log: Logger
  readonly #firstAttempt = Promise.withResolvers<void>()
  readonly #running: Promise<void>
  #isConnected = false

  private constructor(connection: Connection, log: Logger) {
    this.#connection = connection
    this.#log = log
    this.#running = this.#keepListening()
  }

  /** Starts to listen, and keeps trying if that fails. Resolves after the first attempt. */
  static async start(connection: Connection, log: Logger): Promise<JobChanges> {
    const changes = new JobChanges(connection, log)
    await changes.#firstAttempt.promise
    return changes
  }

  /** Whether changes are noticed at the moment. */
  get isConnected(): boolean {
    return this.#isConnected
  }

  /**
   * Calls back for each job that changes. Changes during a lost connection are missed: subscribers that need every change
   * also read the jobs from time to time.
   *
   * @returns Ends the subscription.
   */
  subscribe(listener: JobChangeListener): () => void {
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
      this.#firstAttempt.resolve()
      if (this.#isConnected) {
        this.#isConnected = false
        for (const listener of this.#listeners) listener.disconnected?.()
      }
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Listens until the connection is lost, which rejects, or until it is stopped. */
  async #listenUntilDisconnected(signal: AbortSignal): Promise<void> {
    const client = new DatabaseClient({
      ...sessionConfig,
      ...this.#connection,
      application_name: 'osb-backup-manager events',
    })
    const over = new AbortController()
    const ended = new Promise<void>((resolve, reject) => {
      client.on('error', reject)
      client.on('end', () => reject(new Error('the connection was closed')))
      signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal })
    })
    // Awaited below; until then its rejection has an owner.
    ended.catch(() => undefined)
    client.on('notification', ({ channel, payload = '' }) => {
      if (channel === ALARM_CHANNEL) {
        for (const listener of this.#alarmListeners) listener(payload)
        return
      }
      for (const listener of this.#listeners) {
        if (channel === REVOCATIONS) listener.revoked?.(payload)
        else listener.changed?.(payload)
      }
    })
    try {
      await client.connect()
      const channels = [CHANNEL, ALARM_CHANNEL, REVOCATIONS].map((each) => `listen ${each}`).join('; ')
      await before(client.query(channels), ANSWER_TIMEOUT_MS)
      this.#isConnected = true
      this.#firstAttempt.resolve()
      await Promise.race([ended, pingUntil(client, over.signal)])
    } finally {
      over.abort()
      client.removeAllListeners('end')
      // With a statement under way this destroys the socket; otherwise it would wait for a peer that may have disappeared.
      await before(client.end(), PING_TIMEOUT_MS).catch((error: unknown) =>
        this.#log.debug({ err: error }, 'the connection did not close'),
      )
    }
  }
}

/** Rejects when a connection does not answer any more: a peer whose packets are dropped closes none. */
async function pingUntil(client: Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(PING_EVERY_MS, undefined, { signal }).catch(() => undefined)
    if (!signal.aborted) await before(client.query('select 1'), PING_TIMEOUT_MS)
  }
}

/** What a promise becomes, or a rejection when that takes too long. */
async function before<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  const timer = new AbortController()
  const late = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`the database did not answer within ${timeoutMs / 1000} seconds`)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.abort()
  }
}

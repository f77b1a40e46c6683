import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type ClientConfig } from 'pg'
import type { Logger } from 'pino'
import { sessionConfig } from './session.ts'

/** Any fixed number: the lock's name within the embedded database. */
const LOCK = 4_711_208_015
/** How long the server may take to come back after a crash of one of its processes, and how often that is looked for. */
const RECOVERY_MS = 60_000
const RETRY_MS = 500

/** What a lock needs of its server. */
export interface LockServer {
  connection: ClientConfig
  /** Starts the server unless it answers. */
  ensureRunning(): Promise<void>
}

/**
 * The right to be the only manager on an embedded database: an advisory lock of a connection of its own, which the kernel closes
 * when the process dies, however it dies. A server that crashed is started again, and the lock acquired again.
 */
export class ExclusiveLock {
  readonly #server: LockServer
  readonly #log: Logger
  readonly #onLost: (error: Error) => void
  readonly #released = new AbortController()
  #client: Client | undefined
  #recovery: Promise<void> = Promise.resolve()

  private constructor(server: LockServer, log: Logger, onLost: (error: Error) => void) {
    this.#server = server
    this.#log = log
    this.#onLost = onLost
  }

  /**
   * Acquires the lock.
   *
   * @param onLost - Called once if the lock was lost for good: the server does not start again, or another manager has the lock.
   * @returns Undefined if another manager holds it.
   */
  static async acquire(
    server: LockServer,
    log: Logger,
    onLost: (error: Error) => void,
  ): Promise<ExclusiveLock | undefined> {
    const lock = new ExclusiveLock(server, log, onLost)
    return (await lock.#tryToAcquire()) ? lock : undefined
  }

  async release(): Promise<void> {
    this.abandon()
    await this.#recovery
    await this.#client?.end()
  }

  /** From now on it does not matter whether the lock is lost. */
  abandon(): void {
    this.#released.abort()
  }

  async #tryToAcquire(): Promise<boolean> {
    const config = { ...sessionConfig, ...this.#server.connection, application_name: 'osb-backup-manager lock' }
    const client = new Client(config)
    let isHeld = false
    const lost = (error: Error) => {
      if (!isHeld) return
      isHeld = false
      if (!this.#released.signal.aborted) this.#recovery = this.#recover(error)
    }
    client.on('error', lost)
    client.on('end', () => lost(new Error('the connection was closed')))
    await client.connect()
    const { rows } = await client.query<{ acquired: boolean }>('select pg_try_advisory_lock($1) as acquired', [LOCK])
    isHeld = rows[0]?.acquired === true
    if (isHeld) this.#client = client
    else await client.end()
    return isHeld
  }

  /** PostgreSQL ends all connections when one of its processes crashed, and is back after a moment. */
  async #recover(cause: Error): Promise<void> {
    const { signal } = this.#released
    const endAtMs = performance.now() + RECOVERY_MS
    let reason = cause
    this.#log.error({ err: cause }, 'the embedded PostgreSQL closed its connections; reconnecting')
    while (!signal.aborted && performance.now() < endAtMs) {
      try {
        await this.#server.ensureRunning()
        if (await this.#tryToAcquire()) {
          this.#log.info('the embedded PostgreSQL is back')
          return
        }
        reason = new Error('another manager uses it')
      } catch (error) {
        reason = error instanceof Error ? error : new Error(String(error))
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
    if (!signal.aborted) this.#onLost(reason)
  }
}

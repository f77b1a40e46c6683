import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { DatabaseError, Pool, type PoolClient } from 'pg'
import type { Logger } from 'pino'
import { type Connection, DatabaseClient } from './database-client.ts'
import { toDatabaseError } from './database-unavailable.ts'
import type { PrimaryFinder } from './primary-finder.ts'
import { ANSWER_TIMEOUT_MS } from './session.ts'

/** The SQLSTATE of a write that a standby refuses. */
const READ_ONLY = '25006'

/** Receives how long the database took to connect, or to answer a statement. */
export type OnDatabaseCall = (operation: 'connect' | 'statement', seconds: number, isOk: boolean) => void

/**
 * Connections for Kysely, each of whose statements has a deadline: one without an answer is broken, and is closed. Node cannot
 * set TCP_USER_TIMEOUT, without which a peer whose packets are dropped is noticed after a quarter of an hour.
 */
export class ConnectionPool implements PostgresPool {
  readonly options: object
  readonly #pool: Pool
  readonly #primary: PrimaryFinder | undefined
  readonly #answerTimeoutMs: number
  readonly #onCall: OnDatabaseCall
  readonly #clients = new WeakMap<PoolClient, PooledClient>()

  constructor(config: Connection, log: Logger, onCall: OnDatabaseCall = () => undefined) {
    this.#onCall = onCall
    this.#primary = config.primary
    this.#pool = new Pool({ ...config, Client: DatabaseClient })
    this.options = this.#pool.options
    this.#answerTimeoutMs = Math.max(ANSWER_TIMEOUT_MS, Number(config.statement_timeout) || 0)
    // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
    this.#pool.on('error', (error) => log.warn({ err: error }, 'a database connection broke'))
    // So would one that breaks between two statements of a transaction; the next statement fails, which is enough.
    this.#pool.on('connect', (client) =>
      client.on('error', (error) => log.debug({ err: error }, 'a connection in use broke')),
    )
  }

  /** @throws {DatabaseUnavailable} If there is no connection within the time limit. */
  async connect(): Promise<PostgresPoolClient> {
    const client = await timed('connect', this.#onCall, () => this.#pool.connect()).catch((error: unknown) => {
      throw toDatabaseError(error)
    })
    // Kysely remembers what it knows of a connection by its client.
    const pooled =
      this.#clients.get(client) ??
      new PooledClient(client, this.#answerTimeoutMs, this.#onCall, () => this.#primary?.forget())
    this.#clients.set(client, pooled)
    return pooled
  }

  end(): Promise<void> {
    return this.#pool.end()
  }
}

class PooledClient implements PostgresPoolClient {
  readonly #client: PoolClient
  readonly #answerTimeoutMs: number
  readonly #onCall: OnDatabaseCall
  readonly #onReadOnly: () => void
  #isBroken = false

  constructor(client: PoolClient, answerTimeoutMs: number, onCall: OnDatabaseCall, onReadOnly: () => void) {
    this.#onCall = onCall
    this.#onReadOnly = onReadOnly
    this.#client = client
    this.#answerTimeoutMs = answerTimeoutMs
  }

  /** Kysely passes texts; a cursor only where one is configured. */
  readonly query = (async (text: string, parameters: unknown[]) => {
    const deadline = setTimeout(() => {
      this.#isBroken = true
      // Destroys the socket, since a statement is under way, whose promise rejects.
      this.#client.end(() => undefined)
    }, this.#answerTimeoutMs)
    try {
      return await timed('statement', this.#onCall, () => this.#client.query(text, parameters))
    } catch (error) {
      // A primary that became a standby remains one: the next connection finds the new primary.
      if (error instanceof DatabaseError && error.code === READ_ONLY) {
        this.#isBroken = true
        this.#onReadOnly()
      }
      throw toDatabaseError(error)
    } finally {
      clearTimeout(deadline)
    }
  }) as unknown as PostgresPoolClient['query']

  release(): void {
    this.#client.release(this.#isBroken)
  }
}

async function timed<T>(
  operation: Parameters<OnDatabaseCall>[0],
  onCall: OnDatabaseCall,
  call: () => Promise<T>,
): Promise<T> {
  const startedAtMs = performance.now()
  let isOk = false
  try {
    const result = await call()
    isOk = true
    return result
  } finally {
    onCall(operation, (performance.now() - startedAtMs) / 1000, isOk)
  }
}

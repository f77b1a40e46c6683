import { Client, type ClientConfig } from 'pg'
import type { Logger } from 'pino'
import type { ServerAddress } from './connection-url.ts'
import { DatabaseUnavailable } from './database-unavailable.ts'

/** A server that accepts writes. Each promotion of a standby begins a new timeline. */
interface Primary extends ServerAddress {
  timeline: number
}

/** Lets a client that was not connected yet connect to another server than its configuration names. */
export function useServer(client: Client, { host, port }: ServerAddress): void {
  Object.assign(client, { host, port })
}

/**
 * Finds which of several servers accepts writes. It is remembered until a connection to it fails, or it refuses a write.
 * All are asked at the same time, so that one that drops packets delays the others by no more than its own deadline.
 */
export class PrimaryFinder {
  readonly #config: ClientConfig
  readonly #servers: readonly ServerAddress[]
  readonly #log: Logger
  #found: Promise<ServerAddress> | undefined

  /** @param config - How to connect, but for host and port. */
  constructor(config: ClientConfig, servers: readonly ServerAddress[], log: Logger) {
    this.#config = config
    this.#servers = servers
    this.#log = log
  }

  /** @throws {DatabaseUnavailable} If none accepts writes. */
  find(): Promise<ServerAddress> {
    if (this.#found === undefined) {
      const found = this.#findPrimary()
      this.#found = found
      found.catch(() => this.forget())
    }
    return this.#found
  }

  /** Looks for the primary again, when it is asked for next. */
  forget(): void {
    this.#found = undefined
  }

  async #findPrimary(): Promise<ServerAddress> {
    const reasons: string[] = []
    const answers = this.#servers.map((server) =>
      this.#ask(server).catch((error: Error & { code?: string }) => {
        reasons.push(`${server.host}:${server.port}: ${error.message || error.code}`)
        return undefined
      }),
    )
    const primaries = (await Promise.all(answers)).filter((answer) => answer !== undefined)
    const [newest, ...others] = primaries.toSorted((a, b) => b.timeline - a.timeline)
    if (newest === undefined) {
      throw new DatabaseUnavailable(`none of its servers accepts writes (${reasons.join('; ')})`)
    }
    const { timeline, ...server } = newest
    if (others.length > 0) {
      const also = others.map(({ host, port }) => `${host}:${port}`)
      this.#log.error({ ...server, timeline, also }, 'several PostgreSQL servers accept writes: stop all but one')
    }
    this.#log.info({ ...server, timeline }, 'found the PostgreSQL server that accepts writes')
    return server
  }

  async #ask(server: ServerAddress): Promise<Primary> {
    const client = new Client({ ...this.#config, query_timeout: this.#config.connectionTimeoutMillis })
    useServer(client, server)
    // Without a listener it would end the process; the query rejects too.
    client.on('error', (error) => this.#log.debug({ err: error, ...server }, 'a probe connection broke'))
    try {
      await client.connect()
      const { rows } = await client.query<{ timeline: number | null }>(
        `select case when not pg_is_in_recovery() and not current_setting('transaction_read_only')::boolean
           then ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end as timeline`,
      )
      const timeline = rows[0]?.timeline
      if (timeline === null || timeline === undefined) throw new Error('it accepts no writes')
      return { ...server, timeline }
    } finally {
      // Not awaited: a server that does not answer closes no connection either.
      client.end().catch((error: unknown) => this.#log.debug({ err: error, ...server }, 'a probe did not close'))
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type DatabaseError } from 'pg'
import { owner } from './databases/fixture.ts'
import type { PostgresServer } from './servers.ts'

/**
 * What an application may see for a moment: its session was ended (57P01), the database accepts no sessions while it is renamed
 * (55000, 53300, 55P03: a lock), or a restore holds a lock (57014: the statement took too long).
 */
const momentary = new Set(['57P01', '55000', '53300', '55P03', '57014'])
const POLL_MS = 25

/** An application that reads its database again and again, and notes what an application must never see. */
export class LiveWatch {
  readonly problems: string[] = []
  #isOver = false
  readonly #done: Promise<void>

  /**
   * @param isComplete - SQL that returns true for a database that is whole, in one of its states.
   */
  constructor(server: PostgresServer, database: string, isComplete: string) {
    this.#done = this.#watch(server, database, isComplete)
  }

  /** Stops watching, and returns what was seen. */
  async end(): Promise<string[]> {
    this.#isOver = true
    await this.#done
    return this.problems
  }

  async #watch(server: PostgresServer, database: string, isComplete: string): Promise<void> {
    while (!this.#isOver) {
      const client = new Client({ ...server.connection(database, owner), connectionTimeoutMillis: 10_000 })
      // A session may be ended between two calls.
      client.on('error', (error) => this.#note(error))
      try {
        await client.connect()
        await client.query(`SET lock_timeout = '200ms'; SET statement_timeout = '5s'`)
        const { rows } = await client.query({ text: isComplete, rowMode: 'array' })
        if (rows[0]?.[0] !== true) this.problems.push(`the database is not complete: ${JSON.stringify(rows)}`)
      } catch (error) {
        this.#note(error as Error)
      } finally {
        await client.end().catch((error: Error) => this.#note(error))
      }
      await sleep(POLL_MS)
    }
  }

  #note(error: Error): void {
    const { code, detail = '' } = error as Partial<DatabaseError>
    if (code !== undefined && momentary.has(code)) return
    // Who connects at the moment of the renaming waits for it, and is then refused once, whichever database has the name by then.
    if (code === '3D000' && detail.startsWith('It seems to have just been dropped or renamed')) return
    const text = `${error.message} ${code}`
    if (/Connection terminated|connection error and is not queryable|ECONNRESET|EPIPE/.test(text)) return
    this.problems.push(`${code}: ${error.message} ${detail}`)
  }
}

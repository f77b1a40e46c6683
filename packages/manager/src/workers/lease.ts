import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import type { Database } from '../database/open-database.ts'

/** A manager that was not heard from for so long counts as dead, and others take its jobs. */
export const DEAD_AFTER_SECONDS = 15
const BEAT_MS = 3000
/** Well before others take the jobs. */
const LOST_AFTER_MS = (DEAD_AFTER_SECONDS - 5) * 1000
const WATCH_MS = 500

/**
 * What this process drives jobs under: a row in `managers` that it keeps fresh, by the database's clock. A process that
 * cannot keep it fresh lets go of its jobs before others may take them, and comes back under another id.
 */
export class Lease {
  readonly id = randomUUID()
  readonly #lost = new AbortController()
  #beatAtMs = performance.now()

  /** Aborted when the jobs may be somebody else's. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Writes the row. */
  async open(database: Database): Promise<void> {
    await database.insertInto('managers').values({ id: this.id }).execute()
    this.#beatAtMs = performance.now()
  }

  /** Keeps the row fresh until the lease is lost or the signal stops it. */
  async keep(database: Database, log: Logger, signal: AbortSignal): Promise<void> {
    const watch = setInterval(() => {
      // Whatever the reason, also a database that does not answer: others will take the jobs soon.
      if (performance.now() - this.#beatAtMs > LOST_AFTER_MS) this.#lose()
    }, WATCH_MS)
    try {
      const over = AbortSignal.any([signal, this.lost])
      while (!over.aborted) {
        await delay(BEAT_MS, undefined, { signal: over }).catch(() => undefined)
        if (over.aborted) return
        // It counts from before the row is written; others count from a later moment.
        const startedAtMs = performance.now()
        const isKept = await this.#beat(database).catch((error: unknown) => {
          log.warn({ err: error }, 'this manager cannot say that it lives')
          return undefined
        })
        if (isKept === true) this.#beatAtMs = startedAtMs
        if (isKept === false) this.#lose()
      }
    } finally {
      clearInterval(watch)
    }
  }

  /** Removes the row: what it drove is free at once. */
  async close(database: Database): Promise<void> {
    this.#lost.abort(new Error('the manager is stopping'))
    await database.deleteFrom('managers').where('id', '=', this.id).execute()
  }

  #lose(): void {
    this.#lost.abort(new Error('this manager is taken for dead, or will be soon'))
  }

  async #beat(database: Database): Promise<boolean> {
    const { numUpdatedRows } = await database
      .updateTable('managers')
      .set({ seen_at: sql<Date>`now()` })
      .where('id', '=', this.id)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }
}

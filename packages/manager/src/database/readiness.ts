import { setTimeout as sleep } from 'node:timers/promises'
import { SettingsError } from '@osb-backup/node'
import { sql } from 'kysely'
import { type Database, isSchemaCurrent } from './open-database.ts'

/** How long the database may take to say that it is ready. */
const TIMEOUT_MS = 5_000
const UNREACHABLE = 'its database is unreachable'

/** Why the database is of no use at the moment, as a clause; undefined: it can be written to, and has our tables. Does not throw. */
export async function whyNotReady(context: { database: Database }): Promise<string | undefined> {
  const timer = new AbortController()
  const late = sleep(TIMEOUT_MS, UNREACHABLE, { signal: timer.signal }).catch(() => UNREACHABLE)
  try {
    return await Promise.race([late, ask(context)])
  } catch {
    // Whatever the reason is: those who ask want to know whether, and the log of the workers says why.
    return UNREACHABLE
  } finally {
    timer.abort()
  }
}

async function ask(context: { database: Database }): Promise<string | undefined> {
  const { rows } = await sql<{ writable: boolean }>`
    select not pg_is_in_recovery() and not current_setting('transaction_read_only')::boolean as writable`.execute(
    context.database,
  )
  if (rows[0]?.writable !== true) return 'its database accepts no writes'
  try {
    return (await isSchemaCurrent(context)) ? undefined : 'its database has the tables of another version'
  } catch (error) {
    if (error instanceof SettingsError) return 'a newer version has upgraded its database'
    throw error
  }
}

import type { Transaction as KyselyTransaction } from 'kysely'
import { DatabaseError } from 'pg'
import type { Database } from './open-database.ts'
import type { Tables } from './schema.ts'

/** A transaction in progress: a `Database` whose statements are committed together, or not at all. */
export type Transaction = KyselyTransaction<Tables>

/** Narrows a context to one whose statements run in a transaction. Repositories ask for it where they lock rows. */
export type InTransaction<C extends { database: Database } = { database: Database }> = Omit<C, 'database'> & {
  database: Transaction
}

/**
 * Runs statements in one transaction.
 *
 * @param act - Gets the context with the transaction in place of the database. If it rejects, nothing is written.
 */
export function inTransaction<C extends { database: Database }, R>(
  context: C,
  act: (tx: InTransaction<C>) => Promise<R>,
): Promise<R> {
  return context.database.transaction().execute((database) => act({ ...context, database }))
}

/**
 * Reads with several statements that all see the database as it was at the first of them.
 *
 * @param read - Gets the context with the snapshot in place of the database.
 */
export function inSnapshot<C extends { database: Database }, R>(
  context: C,
  read: (snapshot: InTransaction<C>) => Promise<R>,
): Promise<R> {
  return context.database
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((database) => read({ ...context, database }))
}

/** Whether a statement failed because of a constraint: a unique one that another row has the value of already, for example. */
export function isViolationOf(error: unknown, constraint: string): boolean {
  return error instanceof DatabaseError && error.constraint === constraint
}

import type { Kysely } from 'kysely'

/** Restore points that a failed part left are told apart. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .alterTable('restore_points')
    .addColumn('after_failure', 'boolean', (column) => column.notNull().defaultTo(false))
    .execute()
}

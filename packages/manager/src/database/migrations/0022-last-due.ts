import type { Kysely } from 'kysely'

/** Plans remember the last run that was decided of, so that no clock that lags behind another makes it due again. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema.alterTable('backup_plans').addColumn('last_due_at', 'timestamptz').execute()
}

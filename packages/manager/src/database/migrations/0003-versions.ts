import type { Kysely } from 'kysely'

/** What can be edited counts its versions, so that two editors do not overwrite each other. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const table of ['service_instances', 'file_destinations', 'backup_plans']) {
    await database.schema
      .alterTable(table)
      .addColumn('version', 'integer', (column) => column.notNull().defaultTo(1))
      .execute()
  }
}

import { type Kysely, sql } from 'kysely'

/** Plans choose how to compress, which their jobs take over; destinations may be limited in what they take. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const table of ['backup_plans', 'jobs']) {
    await database.schema
      .alterTable(table)
      .addColumn('compression_algorithm', 'text', (column) => column.notNull().defaultTo(sql`'zstd'`))
      .addColumn('compression_level', 'integer')
      .execute()
  }
  await database.schema.alterTable('file_destinations').addColumn('bandwidth_limit', 'bigint').execute()
}

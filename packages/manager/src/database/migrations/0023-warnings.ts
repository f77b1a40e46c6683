import { type Kysely, sql } from 'kysely'

/** Restore points keep the warnings of their scripts, instances a second account, and restores parameters of their own. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .alterTable('restore_points')
    .addColumn('warnings', 'jsonb', (column) => column.notNull().defaultTo(sql`'[]'`))
    .execute()
  await database.schema
    .alterTable('service_instances')
    .addColumn('backup_username', 'text')
    .addColumn('sealed_backup_password', 'text')
    .execute()
  await database.schema
    .alterTable('jobs')
    .addColumn('parameters', 'jsonb', (column) => column.notNull().defaultTo(sql`'{}'`))
    .execute()
}

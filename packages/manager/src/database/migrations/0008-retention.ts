import { type Kysely, sql } from 'kysely'

/** Retention is applied to plans now and then; objects are removed in two phases. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .alterTable('backup_plans')
    .addColumn('sweep_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addColumn('sweep_not_before', 'timestamptz')
    .execute()
  await database.schema.createIndex('backup_plans_by_sweep').on('backup_plans').column('sweep_at').execute()

  await database.schema
    .alterTable('restore_points')
    .addColumn('removal_requested_at', 'timestamptz')
    .addColumn('removal_reason', 'text')
    .addColumn('removal_attempts', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('next_removal_at', 'timestamptz')
    .addColumn('removal_error', 'text')
    .execute()
  await sql`create index restore_points_to_remove on restore_points (next_removal_at)
    where removal_requested_at is not null and deleted_at is null`.execute(database)
}

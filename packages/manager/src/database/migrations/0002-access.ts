import { type Kysely, sql } from 'kysely'

/** Tokens get grants, expiry and use; broker accounts; the audit log. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .alterTable('tokens')
    .addColumn('grants', 'jsonb', (column) => column.notNull().defaultTo(sql`'"all"'::jsonb`))
    .addColumn('expires_at', 'timestamptz')
    .addColumn('last_used_at', 'timestamptz')
    .execute()

  await database.schema
    .createTable('broker_accounts')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('grants', 'jsonb', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .execute()

  await database.schema
    .createTable('audit_entries')
    .addColumn('id', 'bigint', (column) => column.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('at', 'timestamptz', (column) => column.notNull())
    .addColumn('caller_kind', 'text', (column) => column.notNull())
    .addColumn('caller_id', 'text', (column) => column.notNull())
    .addColumn('caller_name', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('status', 'integer', (column) => column.notNull())
    .addColumn('instance_id', 'text')
    .execute()
  await database.schema
    .createIndex('audit_entries_by_instance')
    .on('audit_entries')
    .columns(['instance_id', 'id'])
    .execute()
  // Append-only, also for whoever gets at the manager's database connection by mistake.
  await sql`create function refuse_audit_change() returns trigger language plpgsql as
    $$ begin raise exception 'audit entries are append-only'; end $$`.execute(database)
  await sql`create trigger audit_entries_append_only before update or delete or truncate on audit_entries
    for each statement execute function refuse_audit_change()`.execute(database)

  await database.schema
    .alterTable('restore_points')
    .addColumn('held', 'boolean', (column) => column.notNull().defaultTo(false))
    .execute()
  await database.schema.alterTable('restore_points').addColumn('verified_at', 'timestamptz').execute()
  await database.schema.alterTable('restore_points').addColumn('verified_state', 'text').execute()
  await database.schema.alterTable('restore_points').addColumn('recipients', 'text').execute()
  await database.schema
    .createIndex('restore_points_by_instance')
    .on('restore_points')
    .columns(['instance_id', 'taken_at', 'id'])
    .execute()
}

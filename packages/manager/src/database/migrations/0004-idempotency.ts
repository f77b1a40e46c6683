import { type Kysely, sql } from 'kysely'

/** Which job a caller's Idempotency-Key started. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('idempotency_keys')
    .addColumn('caller_id', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('request_digest', 'text', (column) => column.notNull())
    .addColumn('job_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('idempotency_keys_key', ['caller_id', 'key'])
    .execute()
  await database.schema.createIndex('idempotency_keys_by_age').on('idempotency_keys').column('created_at').execute()
}

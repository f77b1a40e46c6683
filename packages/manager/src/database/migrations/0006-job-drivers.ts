import { type Kysely, sql } from 'kysely'

/** Jobs are their own queue: a row says who drives it. They can be cancelled. The queue that was apart goes. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('managers')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('seen_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .execute()

  await database.schema
    .alterTable('jobs')
    .addColumn('driver_id', 'text')
    .addColumn('taken_at', 'timestamptz')
    .addColumn('cancelled_at', 'timestamptz')
    .addColumn('cancelled_by', 'text')
    .execute()
  // Few jobs are open at any time, however many there were.
  await sql`create index jobs_open on jobs (started_at, id) where ended_at is null`.execute(database)
  await sql`create index jobs_open_of_plan on jobs (plan_id) where ended_at is null`.execute(database)

  await sql`drop schema if exists job_queue cascade`.execute(database)
}

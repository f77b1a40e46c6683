import { type Kysely, sql } from 'kysely'

/**
 * How many jobs there are, by instance, kind, status and day, so that no list counts or skips a million rows. Whatever
 * changes jobs appends to `job_tally_changes`, which locks nothing; a manager adds those up into `job_tallies` now and then.
 * A count is the sum of both.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('job_tallies')
    .addColumn('instance_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('day', 'date', (column) => column.notNull())
    .addColumn('count', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('job_tallies_key', ['instance_id', 'kind', 'day', 'status'])
    .execute()
  await database.schema
    .createTable('job_tally_changes')
    .addColumn('id', 'bigint', (column) => column.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('instance_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('day', 'date', (column) => column.notNull())
    .addColumn('change', 'bigint', (column) => column.notNull())
    .execute()
  await database.schema
    .createIndex('job_tally_changes_by_instance')
    .on('job_tally_changes')
    .columns(['instance_id', 'kind'])
    .execute()

  await sql`insert into job_tallies (instance_id, kind, status, day, count)
    select instance_id, kind, status, (started_at at time zone 'UTC')::date, count(*) from jobs group by 1, 2, 3, 4`.execute(
    database,
  )
  for (const [event, tables, changed] of [
    ['insert', 'new table as added', 'select *, 1 as change from added'],
    ['delete', 'old table as gone', 'select *, -1 as change from gone'],
    [
      'update',
      'old table as gone new table as added',
      'select *, -1 as change from gone union all select *, 1 as change from added',
    ],
  ] as const) {
    await sql
      .raw(
        `create function tally_job_${event}() returns trigger language plpgsql as $$ begin
          insert into job_tally_changes (instance_id, kind, status, day, change)
            select instance_id, kind, status, (started_at at time zone 'UTC')::date, sum(change)
            from (${changed}) as changed group by 1, 2, 3, 4 having sum(change) <> 0;
          return null;
        end $$`,
      )
      .execute(database)
    await sql
      .raw(
        `create trigger jobs_tally_${event} after ${event} on jobs referencing ${tables}
          for each statement execute function tally_job_${event}()`,
      )
      .execute(database)
  }
  await database.schema
    .createIndex('jobs_by_instance_and_status')
    .on('jobs')
    .columns(['instance_id', 'kind', 'status', 'started_at', 'id'])
    .execute()
}

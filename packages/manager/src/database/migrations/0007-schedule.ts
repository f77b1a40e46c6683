import { nextRunAfter } from '@osb-backup/core'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/** Plans know their next run, and what became of the runs so far is written down. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .alterTable('backup_plans')
    .addColumn('next_due_at', 'timestamptz')
    .addColumn('next_run_at', 'timestamptz')
    .execute()
  await sql`create index backup_plans_due on backup_plans (next_run_at) where next_run_at is not null`.execute(database)

  await database.schema
    .createTable('plan_runs')
    .addColumn('id', 'bigint', (column) => column.primaryKey().generatedAlwaysAsIdentity())
    .addColumn('plan_id', 'text', (column) => column.notNull().references('backup_plans.id').onDelete('cascade'))
    .addColumn('due_at', 'timestamptz', (column) => column.notNull())
    .addColumn('last_due_at', 'timestamptz', (column) => column.notNull())
    .addColumn('runs', 'integer', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('late', 'boolean', (column) => column.notNull())
    .addColumn('job_id', 'text')
    .addColumn('reason', 'text')
    .addColumn('decided_at', 'timestamptz', (column) => column.notNull())
    .execute()
  await database.schema.createIndex('plan_runs_by_plan').on('plan_runs').columns(['plan_id', 'due_at', 'id']).execute()
  await database.schema.createIndex('plan_runs_by_age').on('plan_runs').column('decided_at').execute()

  await database.schema
    .alterTable('jobs')
    .addColumn('due_at', 'timestamptz')
    .addColumn('late', 'boolean', (column) => column.notNull().defaultTo(false))
    .execute()

  await scheduleStoredPlans(database as Kysely<Tables>)
}

/** Plans that were stored before run from now on. */
async function scheduleStoredPlans(database: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ now: Date }>`select now()`.execute(database)
  const now = rows[0]?.now
  if (now === undefined) return
  const plans = await database
    .selectFrom('backup_plans')
    .select(['id', 'frequency', 'timezone'])
    .where('paused', '=', false)
    .execute()
  for (const { id, ...schedule } of plans) {
    const next = nextRunAfter(schedule, now) ?? null
    await database
      .updateTable('backup_plans')
      .set({ next_due_at: next, next_run_at: next })
      .where('id', '=', id)
      .execute()
  }
}

import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

interface ScrapeContext {
  database: Database
}

/** A count under labels. */
export interface Count<L extends string> {
  labels: Record<L, string>
  count: number
}

async function counts<L extends string>(
  { database }: ScrapeContext,
  query: ReturnType<typeof sql<Record<L | 'count', string>>>,
): Promise<Count<L>[]> {
  const { rows } = await query.execute(database)
  return rows.map(({ count, ...labels }) => ({ labels: labels as unknown as Record<L, string>, count: Number(count) }))
}

/** The jobs that have not ended. */
export function openJobs(context: ScrapeContext): Promise<Count<'kind' | 'state'>[]> {
  return counts(
    context,
    sql`select kind, case status when 'STARTED' then 'queued' else lower(status) end as state, count(*) as count
      from jobs where ended_at is null group by 1, 2`,
  )
}

/** The alarms that are open. */
export function openAlarms(context: ScrapeContext): Promise<Count<'kind' | 'severity'>[]> {
  return counts(
    context,
    sql`select kind, severity, count(*) as count from alarms
      where until is null and since is not null group by 1, 2`,
  )
}

/** Numbers of the installation. */
export interface InstallationNumbers {
  managers: number
  plans: number
  longestWaitSeconds: number
  scheduleLagSeconds: number
  removalsPending: number
  removalsFailing: number
  databasesLocked: number
  databaseBytes: number
}

/** Reads numbers of the installation. */
export async function installationNumbers({ database }: ScrapeContext): Promise<InstallationNumbers> {
  const { rows } = await sql<Record<keyof InstallationNumbers, string>>`
    select
      (select count(*) from manager_reports where reported_at > now() - interval '2 minutes') as "managers",
      (select count(*) from backup_plans) as "plans",
      (select coalesce(extract(epoch from now() - min(started_at)), 0) from jobs
        where ended_at is null and began_at is null) as "longestWaitSeconds",
      (select coalesce(greatest(0, extract(epoch from now() - min(next_run_at))), 0) from backup_plans
        where next_run_at < now()) as "scheduleLagSeconds",
      (select count(*) from restore_points
        where removal_requested_at is not null and deleted_at is null) as "removalsPending",
      (select count(*) from restore_points
        where removal_requested_at is not null and deleted_at is null and removal_error is not null) as "removalsFailing",
      (select count(*) from job_parts where locked_since is not null) as "databasesLocked",
      pg_database_size(current_database()) as "databaseBytes"`.execute(database)
  const [row] = rows
  return Object.fromEntries(
    Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]),
  ) as unknown as InstallationNumbers
}

/** What metrics say of one plan. */
export interface PlanNumbers {
  id: string
  name: string
  instanceId: string
  frequency: string
  timezone: string
  paused: boolean
  rpoSeconds: number | null
  lastSuccessAt: Date | null
  lastVerifiedAt: Date | null
  lastRestoredAt: Date | null
}

/** The oldest plans, at most `limit`. */
export async function planNumbers({ database }: ScrapeContext, limit: number): Promise<PlanNumbers[]> {
  const newest = (kind: string) => sql`(
    select ended_at from jobs where plan_id = plan.id and kind = ${sql.lit(kind)} and status = 'SUCCEEDED'
    order by ${sql.raw(kind === 'backup' ? 'started_at' : 'ended_at')} desc limit 1)`
  const { rows } = await sql<PlanNumbers>`
    select id, name, instance_id as "instanceId", frequency, timezone, paused, rpo_seconds as "rpoSeconds",
      ${newest('backup')} as "lastSuccessAt", ${newest('verify')} as "lastVerifiedAt",
      ${newest('restore')} as "lastRestoredAt"
    from backup_plans plan order by created_at, id limit ${limit}`.execute(database)
  return rows
}

/** How long the database takes to answer, in seconds. */
export async function pingSeconds({ database }: ScrapeContext): Promise<number> {
  const startedAtMs = performance.now()
  await sql`select 1`.execute(database)
  return (performance.now() - startedAtMs) / 1000
}

import { type ChosenJob, chooseJobs, type JobLimits } from '@osb-backup/core'
import { sql, type Transaction } from 'kysely'
import type { Context } from '../context/context.ts'
import type { Tables } from '../database/schema.ts'
import { DEAD_AFTER_SECONDS } from '../workers/lease.ts'

/** One manager at a time chooses, so that the limits hold over all of them. */
const CHOOSING_LOCK = 0x6f736263
/** How many jobs are taken in one go. */
const MOST_TAKEN = 50
/** Of the jobs that wait for the same agent and destination, so many are looked at. */
const MOST_LOOKED_AT = 50

/**
 * Takes waiting jobs for a driver, within the limits: those that nobody drives, those of drivers that are dead, and those
 * that this driver let go of.
 *
 * @param driverId - The driver's lease.
 * @param driven - The jobs that it drives already.
 * @returns The ids of the jobs taken, and whether there may be more.
 */
export async function takeJobs(
  { database, settings }: Pick<Context, 'database' | 'settings'>,
  driverId: string,
  driven: readonly string[],
): Promise<{ taken: string[]; maybeMore: boolean }> {
  if (!(await hasUndriven(database, driverId, driven))) return { taken: [], maybeMore: false }
  return database.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${CHOOSING_LOCK})`.execute(transaction)
    await freeJobs(transaction, driverId, driven)
    const lease = await transaction.selectFrom('managers').where('id', '=', driverId).select('id').executeTakeFirst()
    if (lease === undefined) return { taken: [], maybeMore: false }
    const open = await readOpenJobs(transaction)
    const chosen = chooseJobs(
      open.filter((job) => !job.isDriven),
      open.filter((job) => job.isDriven),
      limitsOf(settings),
      MOST_TAKEN,
    )
    const taken = chosen.map((job) => job.id)
    if (taken.length > 0) {
      await transaction
        .updateTable('jobs')
        .set({ driver_id: driverId, taken_at: sql<Date>`coalesce(taken_at, now())` })
        .where('id', 'in', taken)
        .execute()
    }
    return { taken, maybeMore: taken.length === MOST_TAKEN }
  })
}

function limitsOf(settings: Context['settings']): JobLimits {
  return {
    overall: settings.maxRunningJobs,
    perAgent: settings.maxRunningJobsPerAgent,
    perDestination: settings.maxRunningJobsPerDestination,
  }
}

/** Whether there is anything to take; cheap, since it is asked all the time. */
async function hasUndriven(
  database: Pick<Context, 'database'>['database'],
  driverId: string,
  driven: readonly string[],
): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from jobs j
      where j.ended_at is null and (${isUndriven(driverId, driven)})
    ) as found`.execute(database)
  return rows[0]?.found ?? false
}

/** Takes jobs from drivers that are dead, and from this one if it does not know of them. */
async function freeJobs(transaction: Transaction<Tables>, driverId: string, driven: readonly string[]): Promise<void> {
  await sql`delete from managers where seen_at < ${deadSince}`.execute(transaction)
  await sql`
    update jobs j set driver_id = null
    where j.ended_at is null and j.driver_id is not null and (${isUndriven(driverId, driven)})`.execute(transaction)
}

const deadSince = sql`now() - make_interval(secs => ${sql.lit(DEAD_AFTER_SECONDS)})`

const isUndriven = (driverId: string, driven: readonly string[]) => sql`
  j.driver_id is null
  or (j.driver_id = ${driverId} and j.id <> all(${driven}::text[]))
  or not exists (select from managers m where m.id = j.driver_id and m.seen_at >= ${deadSince})`

/** The jobs that are open, in the order they came: all that are driven, and of those that wait as many as can matter. */
async function readOpenJobs(transaction: Transaction<Tables>): Promise<(ChosenJob & { isDriven: boolean })[]> {
  const { rows } = await sql<ChosenJob & { isDriven: boolean }>`
    select id, tenant, agent, destination, "isDriven" from (
      select open.*, row_number() over (partition by "isDriven", tenant, agent, destination order by started_at, id) as place
      from (
        select j.id, j.started_at, j.destination_id as destination, i.agent_url as agent,
          coalesce(i.organization_guid, i.id) as tenant, j.driver_id is not null as "isDriven"
        from jobs j join service_instances i on i.id = j.instance_id
        where j.ended_at is null
      ) open
    ) placed
    where "isDriven" or place <= ${sql.lit(MOST_LOOKED_AT)}
    order by started_at, id`.execute(transaction)
  return rows
}

import { type Kysely, sql } from 'kysely'
import { access } from './access.ts'
import { alarms } from './alarms.ts'
import { broker } from './broker.ts'
import { clones } from './clones.ts'
import { deregistrations } from './deregistrations.ts'
import { drills } from './drills.ts'
import { instances } from './instances.ts'
import { jobCounters } from './job-counters.ts'
import { jobs } from './jobs.ts'
import { measurements } from './measurements.ts'
import { notifications } from './notifications.ts'
import { plans } from './plans.ts'
import { policies } from './policies.ts'
import { restorePointCounters } from './restore-point-counters.ts'
import { restorePoints } from './restore-points.ts'
import { serviceBrokers } from './service-brokers.ts'
import { system } from './system.ts'

/** Creates all tables. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of [
    ...instances,
    ...plans,
    ...jobs,
    ...jobCounters,
    ...restorePoints,
    ...restorePointCounters,
    ...drills,
    ...access,
    ...system,
    ...alarms,
    ...measurements,
    ...notifications,
    ...broker,
    ...policies,
    ...deregistrations,
    ...serviceBrokers,
    ...clones,
  ]) {
    await sql.raw(statement).execute(database)
  }
}

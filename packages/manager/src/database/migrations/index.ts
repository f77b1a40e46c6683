import type { Migration, MigrationProvider } from 'kysely/migration'
import * as initial from './0001-initial.ts'
import * as access from './0002-access.ts'
import * as versions from './0003-versions.ts'
import * as idempotency from './0004-idempotency.ts'
import * as failedLeftovers from './0005-failed-leftovers.ts'
import * as jobDrivers from './0006-job-drivers.ts'
import * as schedule from './0007-schedule.ts'
import * as retention from './0008-retention.ts'
import * as jobTallies from './0020-job-tallies.ts'
import * as transforms from './0021-transforms.ts'
import * as lastDue from './0022-last-due.ts'
import * as warnings from './0023-warnings.ts'

/** Every migration in the order of its name. One that has run anywhere is never changed again. */
const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-access': access,
  '0003-versions': versions,
  '0004-idempotency': idempotency,
  '0005-failed-leftovers': failedLeftovers,
  '0006-job-drivers': jobDrivers,
  '0007-schedule': schedule,
  '0008-retention': retention,
  '0020-job-tallies': jobTallies,
  '0021-transforms': transforms,
  '0022-last-due': lastDue,
  '0023-warnings': warnings,
}

export const migrationProvider: MigrationProvider = { getMigrations: async () => migrations }

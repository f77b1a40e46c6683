import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../packages/manager/src/database/open-database.ts'
import { inTransaction } from '../../packages/manager/src/database/transaction.ts'
import { hasClaimableJob, listOpenJobs } from '../../packages/manager/src/jobs/claims-repository.ts'
import {
  blockersOfJobs,
  findWorkablePart,
  listOverdueRuns,
} from '../../packages/manager/src/jobs/reservations-repository.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'
import { rowsHandledBy } from './rows-handled.ts'

/** Of each kind. */
const WAITING = 2500
/** A statement that is linear in the waiting jobs stays far below this, and one that compares all pairs is far above it. */
const ROWS_PER_JOB = 60

let own: OwnDatabase
let database: Database

beforeAll(async () => {
  own = await makeDatabase()
  database = await openDatabase({ connectionString: own.url }, pino({ level: 'silent' }))
  await own.query(`insert into agents (id, url, username, implicit) values ('a', 'http://a', 'a', false)`)
  await own.query(`insert into service_instances (id, parameters, hosts, backup_host, backup_port, agent_id)
    values ('i', '{}', '[]', 'h', 1, 'a')`)
  await own.query(`insert into file_destinations (id, instance_id, name, store) values ('d', 'i', 'files', '{}')`)
  await own.query(`insert into jobs (id, kind, status, instance_id, plan_id, destination_id, started_at, due_at)
    select kind || n, kind, 'STARTED', 'i', 'p', 'd', now(), now() - interval '1 hour'
    from generate_series(0, ${WAITING - 1}) n, unnest(array['backup', 'restore']) kind order by n`)
  await own.query(
    `insert into job_parts (job_id, position, item, database, status) select id, 0, 'db', 'db', 'STARTED' from jobs`,
  )
  await own.query('analyze')
})
afterAll(async () => {
  await database.destroy()
  await own[Symbol.asyncDispose]()
})

const claimant = { lockedBy: 'm', running: [] }
const restores = Array.from({ length: 500 }, (_, index) => `restore${WAITING - 1 - index}`)

test.each([
  ['whether a job can be claimed', (db: Database) => hasClaimableJob({ database: db }, claimant)],
  ['which jobs can be claimed', (db: Database) => inTransaction({ database: db }, (tx) => listOpenJobs(tx))],
  [
    'which part is next',
    (db: Database) => inTransaction({ database: db }, (tx) => findWorkablePart(tx, 'backup7', [])),
  ],
  ['what 500 restores wait for', (db: Database) => blockersOfJobs({ database: db }, restores)],
  ['which runs are overdue', (db: Database) => listOverdueRuns({ database: db }, 60, 100)],
])('%s: the cost grows with the number of jobs that wait for one database, and not with its square', async (_, ask) => {
  const rows = await rowsHandledBy(own.url, ask)
  expect(rows).toBeGreaterThan(WAITING)
  expect(rows / (2 * WAITING)).toBeLessThan(ROWS_PER_JOB)
})

test('each waiting job shows the first restore into its database, and the first restore waits for none', async () => {
  const blockers = await blockersOfJobs({ database }, ['restore0', 'restore1', 'restore2499', 'backup0'])
  const first = new Map([[0, { jobId: 'restore0', kind: 'restore', isWorking: false }]])
  expect([...blockers].toSorted(([one], [other]) => one.localeCompare(other))).toEqual([
    ['backup0', first],
    ['restore1', first],
    ['restore2499', first],
  ])
})

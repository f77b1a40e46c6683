import type { Client, PoolConfig } from 'pg'
import { pino } from 'pino'
import { getGlobalDispatcher } from 'undici'
import { openDatabase } from '../../packages/manager/src/database/open-database.ts'
import { dispatchDuePlans } from '../../packages/manager/src/jobs/dispatch-due-plans.ts'
import { Sealer } from '../../packages/manager/src/secrets/sealing.ts'
import { readSettings } from '../../packages/manager/src/settings/settings.ts'
import { ManagerClock } from '../../packages/manager/src/shared/manager-clock.ts'
import { ProcessMetrics } from '../../packages/manager/src/shared/process-metrics.ts'

const IDLE_TICKS = 300
const DUE_PLANS = 1000
const BATCH = 100

/**
 * Measures the manager's own look for due plans, on a database where nothing is due now.
 *
 * @param sql - Of a database whose manager is paused: it must not start what becomes due here.
 */
export async function measureTicks(
  connection: PoolConfig,
  sql: Client,
): Promise<{ idleMs: number; perSecond: number }> {
  const database = await openDatabase(connection, pino({ level: 'silent' }))
  const context = {
    settings: readSettings({}),
    database,
    sealer: new Sealer(() => ({ current: Buffer.alloc(32), others: [] })),
    log: pino({ level: 'silent' }),
    processMetrics: new ProcessMetrics(),
    jobChanges: { isConnected: true, subscribe: () => () => undefined, subscribeAlarms: () => () => undefined },
    wakeWorkers: () => undefined,
    clock: new ManagerClock(),
    credHub: undefined,
    agentConnections: { dispatcherFor: () => getGlobalDispatcher() },
  }
  try {
    const times: number[] = []
    for (let tick = 0; tick < IDLE_TICKS; tick++) {
      const startedAt = performance.now()
      await dispatchDuePlans(context, BATCH)
      times.push(performance.now() - startedAt)
    }
    await sql.query(
      'update backup_plans set next_due_at = now(), next_run_at = now() where id in (select id from backup_plans order by id limit $1)',
      [DUE_PLANS],
    )
    const startedAt = performance.now()
    let dispatched = 0
    while (dispatched < DUE_PLANS) dispatched += await dispatchDuePlans(context, BATCH)
    const perSecond = DUE_PLANS / ((performance.now() - startedAt) / 1000)
    await sql.query('delete from plan_runs')
    await sql.query('delete from jobs')
    return { idleMs: times.toSorted((a, b) => a - b)[IDLE_TICKS / 2] ?? Number.NaN, perSecond }
  } finally {
    await database.destroy()
  }
}

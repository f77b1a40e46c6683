import { deleteAlarmsBefore } from '../alarms/repository.ts'
import { deleteEntriesBefore } from '../audit/repository.ts'
import { observeClock } from '../clock/service.ts'
import { deleteClonesBefore } from '../clones/repository.ts'
import type { Context } from '../context/context.ts'
import { type InTransaction, inTransaction } from '../database/transaction.ts'
import { deleteEmptyCounters } from '../jobs/counters-repository.ts'
import { deleteExpiredJobs, deleteExpiredLogs, type JobCursor } from '../jobs/expiry-repository.ts'
import { deleteNotificationsBefore } from '../notifications/outbox-repository.ts'
import { deleteNamesBefore } from '../object-names/repository.ts'
import { deletePlanRunsBefore } from '../plans/plan-runs-repository.ts'
import { deleteReconciliationsBefore } from '../reconciliation/repository.ts'
import { deleteRecordsBefore } from '../restore-points/removals-repository.ts'
import { deleteStoredDaysBefore } from '../restore-points/stored-bytes-repository.ts'
import { deleteProvisionedBefore } from '../service-brokers/instances-search-repository.ts'
import { tryLockExpiry } from './repository.ts'

const DAY_MS = 86_400_000
/** How many rows one transaction deletes: others wait for it no longer than for any other. */
const BATCH_SIZE = 500
/** Object names contain their day, so an older one could be given again only if PostgreSQL's clock went back by as much. */
const NAME_HISTORY_DAYS = 400

type ExpiryContext = Pick<Context, 'database' | 'settings' | 'clock' | 'log'>

/** One kind of records that grows: deletes a batch of those from before an instant. Returns whether there may be more. */
interface ExpiringRecords {
  name: string
  days: number
  deleteBatch(tx: InTransaction, before: Date): Promise<boolean>
}

function expiringRecords({ settings }: Pick<Context, 'settings'>): ExpiringRecords[] {
  const counted =
    (deleteBefore: (tx: InTransaction, before: Date, limit: number) => Promise<number>) =>
    async (tx: InTransaction, before: Date) =>
      (await deleteBefore(tx, before, BATCH_SIZE)) === BATCH_SIZE
  let lastJob: JobCursor | undefined
  return [
    { name: 'logs', days: settings.jobLogDays, deleteBatch: counted(deleteExpiredLogs) },
    { name: 'records of runs', days: settings.runHistoryDays, deleteBatch: counted(deletePlanRunsBefore) },
    { name: 'reconciliations', days: settings.runHistoryDays, deleteBatch: counted(deleteReconciliationsBefore) },
    { name: 'stored bytes by day', days: settings.runHistoryDays, deleteBatch: counted(deleteStoredDaysBefore) },
    { name: 'restore points', days: settings.deletedRestorePointDays, deleteBatch: counted(deleteRecordsBefore) },
    {
      name: 'jobs',
      days: settings.jobHistoryDays,
      async deleteBatch(tx, before) {
        lastJob = await deleteExpiredJobs(tx, before, lastJob, BATCH_SIZE)
        return lastJob !== undefined
      },
    },
    { name: 'clones', days: settings.jobHistoryDays, deleteBatch: counted(deleteClonesBefore) },
    { name: 'provisioned instances', days: settings.jobHistoryDays, deleteBatch: counted(deleteProvisionedBefore) },
    { name: 'counters', days: settings.jobHistoryDays, deleteBatch: counted(deleteEmptyCounters) },
    { name: 'audit entries', days: settings.auditHistoryDays, deleteBatch: counted(deleteEntriesBefore) },
    { name: 'notifications', days: settings.alarmHistoryDays, deleteBatch: counted(deleteNotificationsBefore) },
    { name: 'alarms', days: settings.alarmHistoryDays, deleteBatch: counted(deleteAlarmsBefore) },
    { name: 'object names', days: NAME_HISTORY_DAYS, deleteBatch: counted(deleteNamesBefore) },
  ]
}

/**
 * Deletes records that are older than the settings say, in batches, unless PostgreSQL's clock was set. One manager at a time does so;
 * the others have nothing to do.
 */
export async function deleteExpiredRecords(context: ExpiryContext, signal: AbortSignal): Promise<void> {
  const { now, isTrusted } = await observeClock(context)
  if (!isTrusted) return
  for (const records of expiringRecords(context)) {
    const before = new Date(now.getTime() - records.days * DAY_MS)
    for (let isMoreDue = true; isMoreDue; ) {
      signal.throwIfAborted()
      isMoreDue = await inTransaction(context, async (tx) => {
        return (await tryLockExpiry(tx)) && (await records.deleteBatch(tx, before))
      })
    }
  }
}

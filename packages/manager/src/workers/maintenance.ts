import type { PeriodicTask } from '@osb-backup/node'
import { observeClock } from '../clock/service.ts'
import type { Context } from '../context/context.ts'
import { capDeadlines } from '../deadlines/service.ts'
import { deleteExpiredRecords } from '../expiry/service.ts'
import { deleteOldKeys } from '../idempotency/service.ts'
import { compactJobCounters } from '../jobs/service.ts'
import { compactMeasurements } from '../metrics/service.ts'
import { recomputeNextRuns } from '../plans/recompute-next-runs.ts'
import { compactPointCounters } from '../restore-points/service.ts'

const HOUR_MS = 3_600_000
const COMPACT_EVERY_MS = 10_000
const DEADLINES_EVERY_MS = 10_000

/** Tasks that keep the database correct and small. */
export const maintenanceTasks = (context: Context): PeriodicTask[] => [
  {
    name: 'recompute the next runs of plans',
    intervalMs: HOUR_MS,
    async run(signal) {
      await recomputeNextRuns(context, signal)
      return false
    },
  },
  {
    name: 'delete expired records',
    intervalMs: HOUR_MS,
    async run(signal) {
      await deleteExpiredRecords(context, signal)
      return false
    },
  },
  {
    name: 'delete old idempotency keys',
    intervalMs: HOUR_MS,
    async run() {
      if ((await observeClock(context)).isTrusted) await deleteOldKeys(context)
      return false
    },
  },
  {
    name: 'correct deadlines',
    intervalMs: DEADLINES_EVERY_MS,
    async run() {
      await capDeadlines(context)
      return false
    },
  },
  { name: 'compact the job counters', intervalMs: COMPACT_EVERY_MS, run: () => compactJobCounters(context) },
  { name: 'compact the measurements', intervalMs: COMPACT_EVERY_MS, run: () => compactMeasurements(context) },
  {
    name: 'compact the restore point counters',
    intervalMs: COMPACT_EVERY_MS,
    run: () => compactPointCounters(context),
  },
]

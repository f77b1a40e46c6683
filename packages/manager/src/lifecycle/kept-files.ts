import { observeClock } from '../clock/service.ts'
import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import { openJobsOfPlans } from '../jobs/open-jobs-repository.ts'
import { requestRemoval } from '../removals/service.ts'
import { pointsOf } from '../restore-points/repository.ts'
import { claimDueFiles, keepFilesUntil } from './kept-files-repository.ts'

const BATCH_SIZE = 50
const DAY_MS = 86_400_000

/**
 * Deletes the files of deprovisioned service instances whose time is over, unless PostgreSQL's clock was set. Those that are held, being
 * restored, or still being stored, are tried again a day later.
 */
export async function deleteKeptFiles(context: Context): Promise<void> {
  const { now, isTrusted } = await observeClock(context)
  if (!isTrusted) return
  await inTransaction(context, async (tx) => {
    for (const kept of await claimDueFiles(tx, now, BATCH_SIZE)) {
      const points = await pointsOf(tx, { planId: kept.planId })
      const pointIds = points.filter(({ removal }) => removal === undefined).map(({ id }) => id)
      const removed = await requestRemoval(tx, pointIds, 'DEPROVISIONED')
      const isOpen = (await openJobsOfPlans(tx, [kept.planId])).size > 0
      if (removed.length < pointIds.length || isOpen) await keepFilesUntil(tx, kept, new Date(now.getTime() + DAY_MS))
    }
  })
}

import { judgeDumpSize } from '@osb-backup/core'
import type { TransactionContext } from '../context/context.ts'
import { insertUsedName } from '../object-names/repository.ts'
import * as marks from './marks-repository.ts'
import * as repository from './repository.ts'
import type { NewRestorePoint } from './restore-point.ts'

/** More than are compared: those that are suspicious, or sized in another measure, say nothing of what is usual. */
const POINTS_READ = 30

/**
 * Records what a part stored, in the transaction that ends the part. A dump that shrank suspiciously is marked; one that is as
 * small as a suspicious one before it confirms both.
 */
export async function recordPoint(
  tx: Pick<TransactionContext, 'database' | 'settings' | 'log'>,
  point: NewRestorePoint,
  now: Date,
): Promise<void> {
  const least = tx.settings.suspiciousSizePercent / 100
  // What a failed part left does not count anyway.
  const judged = point.afterFailure
    ? ({ suspicious: false, confirms: undefined } as const)
    : judgeDumpSize(point, await repository.newestGoodPoints(tx, point, POINTS_READ), least)
  const usualSizeBytes = judged.suspicious ? Math.round(judged.usualSizeBytes) : undefined
  await repository.insertPoint(tx, { ...point, suspicious: judged.suspicious, usualSizeBytes }, now)
  // Old agents choose names themselves.
  await insertUsedName(tx, { prefix: point.prefix, name: point.filename })
  const { id: restorePointId, item, sizeBytes, originalSizeBytes } = point
  if (judged.suspicious) {
    const fields = { restorePointId, item, sizeBytes, originalSizeBytes, usualSizeBytes }
    tx.log.warn(fields, 'a dump is suspiciously small: it replaces no other until it is confirmed')
  } else if (judged.confirms !== undefined) {
    await marks.clearSuspicion(tx, judged.confirms.id)
  }
}

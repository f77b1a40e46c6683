import type { Reconciliation as WireReconciliation } from '@osb-backup/protocol'
import type { Reconciliation } from '../../../reconciliation/reconciliation.ts'
import { instantToWire } from './instant.ts'

/** A reconciliation as clients read it. */
export function reconciliationToWire(found: Reconciliation): WireReconciliation {
  const { objects, orphans, incompleteUploads, brokenPoints } = found
  return {
    objects,
    objectsWithoutRestorePoint: orphans.listed.map((each) => ({
      ...each,
      modifiedAt: instantToWire(each.modifiedAt),
    })),
    unfinishedUploads: incompleteUploads.listed.map((each) => ({ ...each, startedAt: instantToWire(each.startedAt) })),
    restorePointsWithoutObject: brokenPoints.listed,
    totals: {
      objectsWithoutRestorePoint: orphans.total,
      unfinishedUploads: incompleteUploads.total,
      restorePointsWithoutObject: brokenPoints.total,
    },
  }
}

import type { Protection } from '@osb-backup/core'
import type { Item, Protection as WireProtection } from '@osb-backup/protocol/v1'
import type { ProtectedItem } from '../../protection/service.ts'

/** Protection as the API answers it. */
export function protectionToWire({ state, reason, rpoSeconds, newestAt }: Protection): WireProtection {
  return {
    state,
    reason,
    rpoSeconds: rpoSeconds === undefined ? undefined : Math.round(rpoSeconds),
    newestRestorePointAt: newestAt?.toISOString(),
  }
}

/**
 * An item as the API answers it.
 *
 * @param listed - Whether its agent lists it; absent: that is not known.
 */
export function itemToWire(item: ProtectedItem, listed?: boolean): Item {
  const { name, planIds, protection, restorePointCount, proof } = item
  return {
    name,
    listed,
    planIds,
    protection: protectionToWire(protection),
    restorePointCount,
    ...proofToWire(proof),
  }
}

/** What drills found out about it. */
function proofToWire(
  proof: ProtectedItem['proof'],
): Pick<Item, 'lastProvenRestorableAt' | 'recoverySeconds' | 'lastDrill'> {
  const { provenAt, recoverySeconds, lastDrill } = proof ?? {}
  return {
    lastProvenRestorableAt: provenAt?.toISOString(),
    recoverySeconds,
    lastDrill: lastDrill && {
      jobId: lastDrill.jobId,
      at: lastDrill.at.toISOString(),
      passed: lastDrill.failure === undefined,
      reason: lastDrill.failure,
    },
  }
}

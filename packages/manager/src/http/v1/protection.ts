import type { Protection } from '@osb-backup/core'
import type { Protection as WireProtection } from '@osb-backup/protocol/v1'

/** Protection as the API answers it. */
export function protectionToWire({ state, reason, rpoSeconds, newestAt }: Protection): WireProtection {
  return {
    state,
    reason,
    rpoSeconds: rpoSeconds === undefined ? undefined : Math.round(rpoSeconds),
    newestRestorePointAt: newestAt?.toISOString(),
  }
}

import { MASKED_SECRET, NO_KEY } from '@osb-backup/protocol'

/** The secret that was sent, unless it is absent, empty or masked; then the stored one. */
export function keptSecret(sent: string | undefined, stored: string | undefined): string | undefined {
  return sent === undefined || sent === '' || sent === MASKED_SECRET ? stored : sent
}

/** A key of a restore: null for "none", undefined where none was sent, or a masked one. */
export function keyFromWire(sent: string | undefined): string | null | undefined {
  return sent === NO_KEY ? null : keptSecret(sent, undefined)
}

/** A key field: "none" means that there is no key, while an absent one keeps the stored key. */
export function keptKey(sent: string | undefined, stored: string | undefined): string | undefined {
  return sent === NO_KEY ? undefined : keptSecret(sent, stored)
}

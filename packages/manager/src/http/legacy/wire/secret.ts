import { MASKED_SECRET, NO_KEY } from '@osb-backup/protocol'

/** The secret that counts: what was sent, unless that is absent, empty or masked; then what is stored. */
export function keptSecret(sent: string | undefined, stored: string | undefined): string | undefined {
  return sent === undefined || sent === '' || sent === MASKED_SECRET ? stored : sent
}

/** A key field: "none" means that there is no key, which is not the same as saying nothing. */
export function keptKey(sent: string | undefined, stored: string | undefined): string | undefined {
  return sent === NO_KEY ? undefined : keptSecret(sent, stored)
}

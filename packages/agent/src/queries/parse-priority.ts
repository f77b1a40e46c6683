import { err, ok, type Result } from '@osb-backup/core'
import { HIGHEST_PRIORITY } from '@osb-backup/protocol'

const MAX_REASON_LENGTH = 500

/** How well a node suits for a job; 0: not at all. */
export interface Priority {
  priority: number
  reason?: string
}

/** Reads what a script `elect` printed: one line with a number from 0 to 100 and, after a blank, why. */
export function parsePriority(printed: Uint8Array): Result<Priority> {
  const text = new TextDecoder('utf-8').decode(printed)
  const [, digits = '', reason = ''] = /^(\d{1,3})(?:[ \t]+([^\n]*))?\n$/.exec(text) ?? []
  const priority = Number(digits)
  if (digits === '' || priority > HIGHEST_PRIORITY) {
    const shown = JSON.stringify(text.slice(0, 60))
    return err(`printed ${shown}: it must print one line with a number from 0 to ${HIGHEST_PRIORITY} and a reason`)
  }
  const sentence = reason
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, MAX_REASON_LENGTH)
  return ok({ priority, ...(sentence === '' ? {} : { reason: sentence }) })
}

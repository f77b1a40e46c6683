import type { RestorePoint } from '@osb-backup/protocol/v1'
import * as messages from '../messages/messages.ts'

const t = messages.restorePoints

/** What a list says of a restore point besides its item, time and size. */
export function marksOf({ held, suspicious, deletion, encrypted, afterFailure }: RestorePoint): string[] {
  return [
    held ? t.held.true : undefined,
    suspicious ? t.suspicious.true : undefined,
    afterFailure ? messages.states.jobs.failed : undefined,
    deletion === undefined ? undefined : t.deleting.true,
    encrypted ? t.encrypted : undefined,
  ].filter((mark) => mark !== undefined)
}

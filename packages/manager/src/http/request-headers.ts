import { about } from '@osb-backup/protocol'
import { z } from 'zod'

/** For what can be edited: the version that the caller edits. Read by `editedVersion`. */
export const ifMatchHeader = z.looseObject({
  'if-match': z
    .string()
    .optional()
    .meta(about('ETag of what is edited: if it was changed meanwhile, nothing is written', '"3"')),
})

/** For what creates something. Read by `parseIdempotencyKey`. */
export const idempotencyKeyHeader = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .meta(
      about('Any text of yours: repeated within 24 hours with the same key, the request creates nothing else', 'a7f3'),
    ),
})

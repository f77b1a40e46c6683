import { z } from 'zod'

/** For what can be edited: the version that the caller edits. Read by `editedVersion`. */
export const ifMatchHeader = z.looseObject({
  'if-match': z
    .string()
    .optional()
    .describe('ETag of what is edited: if somebody else changed it meanwhile, nothing is written'),
})

/** For what starts a job. Read by `parseIdempotencyKey`. */
export const idempotencyKeyHeader = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe('Any text of yours: the same request with the same key starts no second job for 24 hours'),
})

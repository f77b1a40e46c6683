import { z } from 'zod'
import { about, EXAMPLE_INSTANT, instantSchema } from './schema.ts'

/** Worst first, but for `unknown`: an instance is in the worst state of its items. */
export const protectionStates = ['unprotected', 'at-risk', 'unknown', 'exempt', 'protected'] as const
export type ProtectionState = (typeof protectionStates)[number]

/** Whether data could be restored, and from how long ago. */
export const protectionSchema = z.object({
  state: z
    .enum(protectionStates)
    .meta(
      about(
        '`protected`: a good restore point is as recent as wanted. `at-risk`: there is a good one, but it is too old or no newer one will come. `unprotected`: nothing can be restored. `unknown`: it cannot be said yet. `exempt`: it is unprotected on purpose, until the exemption expires',
        'protected',
      ),
    ),
  reason: z
    .string()
    .meta(about('Why, in words', 'The newest restore point is 5 hours old; at most 48 hours are wanted.')),
  rpoSeconds: z
    .int()
    .optional()
    .meta(about('The recovery point objective that was applied: how old the newest restore point may be', 172_800)),
  newestRestorePointAt: instantSchema
    .optional()
    .meta(about('When the newest good restore point was taken', EXAMPLE_INSTANT)),
})
export type Protection = z.infer<typeof protectionSchema>

import { z } from 'zod'
import { about, EXAMPLE_INSTANT, instantSchema } from './schema.ts'

/** What stops deletions. */
export const clockJumpSchema = z.object({
  detectedAt: instantSchema.meta(about("When it was detected, by PostgreSQL's clock", EXAMPLE_INSTANT)),
  jumpSeconds: z.int().meta(about('Seconds that the clock was set ahead; negative if it was set back', 259_200)),
})

/** `GET /v1/clock`. */
export const clockSchema = z.object({
  now: instantSchema.meta(about("PostgreSQL's clock, which all decisions use", EXAMPLE_INSTANT)),
  jump: clockJumpSchema
    .optional()
    .meta({ description: 'The clock was set: nothing is deleted by age until an admin confirms the clock' }),
})
export type Clock = z.infer<typeof clockSchema>

import { z } from 'zod'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, idSchema, instantSchema } from './schema.ts'

const bytes = (description: string, example: number) => z.int().meta(about(description, example))
const growth = (description: string) =>
  z
    .number()
    .optional()
    .meta(about(`${description}; negative if it shrinks, absent for less than a day`, 1_048_576))

/** `GET /v1/instances/{id}/trend`. */
export const trendQuerySchema = z.strictObject({
  days: z.coerce
    .number()
    .pipe(z.int().min(1).max(366))
    .optional()
    .meta(about('How many days back, at most 366; 30 by default', 30)),
  item: idSchema.optional().meta(about('Only this item', 'shop')),
})
export type TrendQuery = z.input<typeof trendQuerySchema>

/** How the backups of an instance developed. */
export const trendSchema = z.object({
  items: z
    .array(
      z.object({
        name: z.string().meta(about('The item', 'shop')),
        days: z
          .array(
            z.object({
              day: z.iso.date().meta(about('The day, in UTC', '2026-03-01')),
              dumpCount: z.int().meta(about('How many dumps were stored', 1)),
              restorePointCount: z.int().meta(about('How many of them are still stored', 1)),
              storedBytes: bytes('Size of the largest stored object', 104_857_600),
              originalBytes: bytes('Its size before compression and encryption, where it is known', 524_288_000),
              durationSeconds: z.number().optional().meta(about('How long the longest backup took', 74.2)),
            }),
          )
          .meta({ description: 'The days with dumps, oldest first' }),
        growthBytesPerDay: growth('How much larger the dumps get each day, before compression'),
        durationGrowthSecondsPerDay: z
          .number()
          .optional()
          .meta(about('How much longer the backups take each day; absent for less than a day', 0.4)),
      }),
    )
    .meta({ description: 'The items that were backed up within that time' }),
  destinations: z
    .array(
      z.object({
        destinationId: idSchema.meta(about('The destination', EXAMPLE_ID)),
        name: z.string().meta(about('Its name', 'nightly store')),
        storedBytes: bytes('What restore points of the instance use there now', 3_145_728_000),
        growthBytesPerDay: growth('How much more is stored each day, with all that is deleted'),
        quotaBytes: z.int().optional().meta(about('Its quota, if one is stored', 1_000_000_000_000)),
        fullAt: instantSchema
          .optional()
          .meta(
            about('When the quota is used up at this pace; absent if never, or in over ten years', EXAMPLE_INSTANT),
          ),
      }),
    )
    .meta({ description: 'The destinations with restore points of the instance' }),
})
export type Trend = z.infer<typeof trendSchema>

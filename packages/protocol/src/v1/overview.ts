import { z } from 'zod'
import { clockJumpSchema } from './clock.ts'
import { protectionStates } from './protection.ts'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, idSchema, instantSchema } from './schema.ts'

const count = (description: string, example: number) => z.int().meta(about(description, example))

/** `GET /v1/overview`: what the caller may see, in numbers. */
export const overviewSchema = z.object({
  instances: z
    .object({
      total: count('Registered service instances', 12),
      protected: count('Every item has a restore point as recent as wanted', 10),
      atRisk: count('An item has good restore points, but too old ones, or no newer one will come', 1),
      unprotected: count('Nothing can be restored of an item', 1),
      unknown: count('It cannot be said yet', 0),
      exempt: count('Unprotected on purpose, until an exemption expires', 0),
    })
    .meta({ description: 'Service instances by protection' }),
  jobs: z
    .object({
      queued: count('Waiting now', 0),
      running: count('Running now', 2),
      unknown: count('Their agents do not answer, so they may be running', 0),
      succeededLastDay: count('Succeeded within 24 hours', 36),
      failedLastDay: count('Failed within 24 hours', 1),
      cancelledLastDay: count('Cancelled within 24 hours', 0),
    })
    .meta({ description: 'Jobs by state' }),
  restorePoints: z
    .object({ total: count('Restore points', 480), sizeBytes: count('Their total size', 1_234_567_890) })
    .meta({ description: 'What is stored' }),
  storage: z
    .object({
      growthBytesPerDay: z
        .number()
        .optional()
        .meta(about('By how much it grows a day; absent while less than a day is known', 1_200_000)),
      days: z
        .array(
          z.object({
            day: z.iso.date().meta(about('The day, in UTC', '2026-03-01')),
            storedBytes: count('What was stored at its end', 1_234_567_890),
          }),
        )
        .meta({ description: 'The last 30 days, the first one first; the last is today' }),
    })
    .meta({ description: 'How the total size of the restore points develops' }),
  agents: z
    .object({
      reachable: count('Answered when last asked', 4),
      unreachable: count('Did not answer when last asked', 0),
      unknown: count('Were not asked yet', 0),
    })
    .meta({ description: 'Agents by state' }),
  destinations: z
    .object({
      reachable: count('Could be reached when last checked', 4),
      unreachable: count('Could not be reached when last checked', 0),
      unknown: count('Were not checked yet', 0),
    })
    .meta({ description: 'Destinations in use by state' }),
  drills: z
    .object({
      items: count('Items that drills cover', 12),
      proven: count('Of these: proven restorable within `PROVEN_MAX_AGE_DAYS`', 11),
      earliestProofAt: instantSchema
        .optional()
        .meta(about('The earliest of their last proofs; absent while one was never proven', EXAMPLE_INSTANT)),
    })
    .meta({ description: 'What restore drills have proven' }),
  nextRuns: z
    .array(
      z.object({
        planId: idSchema.meta(about('The plan', EXAMPLE_ID)),
        instanceId: idSchema.meta(about('Its instance', 'shop-db')),
        name: z.string().meta(about('Its name', 'nightly')),
        runAt: instantSchema.meta(about('When it runs', EXAMPLE_INSTANT)),
      }),
    )
    .meta({ description: 'The next scheduled runs, soonest first; at most 10' }),
  lockedDatabases: z
    .array(
      z.object({
        instanceId: idSchema.meta(about('The instance', 'shop-db')),
        database: z.string().meta(about('The database', 'shop')),
        jobId: idSchema.meta(about('The job that has locked it', EXAMPLE_ID)),
        lockedSince: instantSchema.meta(about('Since when', EXAMPLE_INSTANT)),
        unlockAttempts: count('How often unlocking it failed; 0: the job still works on it', 3),
      }),
    )
    .meta({
      description:
        'The databases that jobs have locked, first those whose unlock fails, the longest locked first; at most 50',
    }),
  attention: z
    .array(
      z.object({
        instanceId: idSchema.meta(about('The instance', 'shop-db')),
        item: z.string().optional().meta(about('The item', 'shop')),
        planIds: z.array(z.string()).meta(about('The plans that cover it', [EXAMPLE_ID])),
        state: z.enum(protectionStates).meta(about('Its protection', 'unprotected')),
        reason: z.string().meta(about('Why, in words', 'There is no restore point.')),
      }),
    )
    .meta({ description: 'The items that are not protected, worst first; at most 50' }),
  clockJump: clockJumpSchema
    .optional()
    .meta({ description: "PostgreSQL's clock was set: nothing is deleted by age until an admin confirms the clock" }),
  at: instantSchema.meta(about('When this was observed', EXAMPLE_INSTANT)),
})
export type Overview = z.infer<typeof overviewSchema>

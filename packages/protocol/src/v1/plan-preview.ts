import { z } from 'zod'
import { planSettingsSchema } from './plans.ts'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, idSchema, instantSchema } from './schema.ts'

export const keepReasons = [
  'held',
  'newest',
  'unreplaced',
  'count',
  'age',
  'all',
  'last',
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'yearly',
] as const
export type KeepReason = (typeof keepReasons)[number]

/** `POST /v1/plans/preview`: a schedule and a retention to be tried before a plan gets them. Nothing is stored. */
export const planPreviewRequestSchema = z.strictObject({
  planId: idSchema
    .optional()
    .meta(about('A plan whose restore points are shown with the retention applied', EXAMPLE_ID)),
  schedule: planSettingsSchema.shape.schedule,
  retention: planSettingsSchema.shape.retention.optional(),
})
export type PlanPreviewRequest = z.infer<typeof planPreviewRequestSchema>

/** What a plan would do. */
export const planPreviewSchema = z.object({
  description: z
    .string()
    .meta(
      about(
        'The schedule in words; with both day fields restricted also whether a day has to match both',
        'At 02:00, every day',
      ),
    ),
  runs: z.array(instantSchema).meta(about('The next runs', ['2026-03-01T01:00:00.000Z', '2026-03-02T01:00:00.000Z'])),
  shortestIntervalSeconds: z
    .number()
    .meta(about('Shortest interval between two runs in wall-clock time, without changes of the clock', 86_400)),
  runsKept: z
    .array(instantSchema)
    .optional()
    .meta(about('The runs whose restore points are still kept after the last run', ['2026-03-02T01:00:00.000Z'])),
  restorePoints: z
    .array(
      z.object({
        id: idSchema.meta(about('Id of the restore point', EXAMPLE_ID)),
        item: z.string().meta(about('The database', 'shop')),
        takenAt: instantSchema.meta(about('When it was taken', EXAMPLE_INSTANT)),
        kept: z.boolean().meta(about('Whether the retention keeps it', true)),
        keptBecause: z
          .array(z.enum(keepReasons))
          .meta(
            about(
              'Why it is kept: it is `held`, the `newest` good one, or newer than that (`unreplaced`); one of those kept by number (`count`), by `age`, as a generation, or because `all` are',
              ['daily', 'weekly'],
            ),
          ),
      }),
    )
    .optional()
    .meta({ description: 'The restore points of the plan, where one was named' }),
})
export type PlanPreview = z.infer<typeof planPreviewSchema>

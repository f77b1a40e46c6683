import { z } from 'zod'
import { about } from '../about.ts'
import { backupPlanRequestSchema } from './backup-plan.ts'
import { optionalText } from './lenient.ts'
import { serviceInstanceReferenceSchema } from './service-instance.ts'

/**
 * `POST /backupPlans/preview`: schedule and retention to be tried, before or without making a plan of them. A whole plan may be
 * sent; of a plan that exists, `id` says which, and what is left out is as it is there.
 */
export const backupPlanPreviewRequestSchema = z.object({
  id: optionalText(100).meta({ description: 'Id' }),
  serviceInstance: serviceInstanceReferenceSchema.optional(),
  frequency: backupPlanRequestSchema.shape.frequency,
  timezone: backupPlanRequestSchema.shape.timezone,
  retentionStyle: backupPlanRequestSchema.shape.retentionStyle.optional(),
  retentionPeriod: backupPlanRequestSchema.shape.retentionPeriod,
})
export type BackupPlanPreviewRequest = z.infer<typeof backupPlanPreviewRequestSchema>

/** Answer to it; times as a clock in the plan's zone shows them. */
export const backupPlanPreviewSchema = z.object({
  timezone: z.string().meta(about('IANA time zone of the schedule', 'Europe/Berlin')),
  /** The next runs. */
  runs: z.array(z.string()).meta(about('The next runs', ['2026-03-01T02:00:00+01:00'])),
  /** Shortest time between two of the runs to come. */
  shortestIntervalSeconds: z.number().meta(about('Shortest time between two runs', 86400)),
  /** Those of the runs whose restore points are still kept when the last of them has run. Absent without a retention. */
  runsKept: z
    .array(z.string())
    .optional()
    .meta(about('The runs whose restore points are still kept after the last run', ['2026-03-01T02:00:00+01:00'])),
  /** The restore points that the plan has now, and which of them such a retention keeps. Absent without plan or retention. */
  restorePoints: z
    .array(
      z.object({
        id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
        item: z.string().meta(about('Database', 'shop')),
        takenAt: z.string().meta(about('When it was taken', '2026-03-01T02:00:00.000+00:00')),
        kept: z.boolean().meta(about('Whether it is kept', true)),
      }),
    )
    .optional(),
})
export type BackupPlanPreview = z.infer<typeof backupPlanPreviewSchema>

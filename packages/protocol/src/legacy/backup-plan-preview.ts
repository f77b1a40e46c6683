import { z } from 'zod'
import { backupPlanRequestSchema } from './backup-plan.ts'
import { optionalText } from './lenient.ts'
import { serviceInstanceReferenceSchema } from './service-instance.ts'

/**
 * `POST /backupPlans/preview`: schedule and retention to be tried, before or without making a plan of them. A whole plan may be
 * sent; of a plan that exists, `id` says which, and what is left out is as it is there.
 */
export const backupPlanPreviewRequestSchema = z.object({
  id: optionalText(100),
  serviceInstance: serviceInstanceReferenceSchema.optional(),
  frequency: backupPlanRequestSchema.shape.frequency,
  timezone: backupPlanRequestSchema.shape.timezone,
  retentionStyle: backupPlanRequestSchema.shape.retentionStyle.optional(),
  retentionPeriod: backupPlanRequestSchema.shape.retentionPeriod,
})
export type BackupPlanPreviewRequest = z.infer<typeof backupPlanPreviewRequestSchema>

/** Answer to it; times as a clock in the plan's zone shows them. */
export const backupPlanPreviewSchema = z.object({
  timezone: z.string(),
  /** The next runs. */
  runs: z.array(z.string()),
  /** Shortest time between two of the runs to come. */
  shortestIntervalSeconds: z.number(),
  /** Those of the runs whose restore points are still kept when the last of them has run. Absent without a retention. */
  runsKept: z.array(z.string()).optional(),
  /** The restore points that the plan has now, and which of them such a retention keeps. Absent without plan or retention. */
  restorePoints: z
    .array(z.object({ id: z.string(), item: z.string(), takenAt: z.string(), kept: z.boolean() }))
    .optional(),
})
export type BackupPlanPreview = z.infer<typeof backupPlanPreviewSchema>

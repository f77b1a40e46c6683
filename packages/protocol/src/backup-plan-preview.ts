import { z } from 'zod'
import { backupPlanRequestSchema } from './backup-plan.ts'
import { optionalText } from './lenient.ts'
import { serviceInstanceReferenceSchema } from './service-instance.ts'

/**
 * `POST /backupPlans/preview`: a schedule to be tried, before or without making a plan of it. A whole plan may be sent; of a
 * plan that exists, `id` says which.
 */
export const backupPlanPreviewRequestSchema = z.object({
  id: optionalText(100),
  serviceInstance: serviceInstanceReferenceSchema.optional(),
  ...backupPlanRequestSchema.pick({ frequency: true, timezone: true }).shape,
})
export type BackupPlanPreviewRequest = z.infer<typeof backupPlanPreviewRequestSchema>

/** Answer to it: when such a plan would run next, as a clock in its zone shows it. */
export const backupPlanPreviewSchema = z.object({
  timezone: z.string(),
  runs: z.array(z.string()),
  /** Shortest time between two of the runs to come. */
  shortestIntervalSeconds: z.number(),
})
export type BackupPlanPreview = z.infer<typeof backupPlanPreviewSchema>

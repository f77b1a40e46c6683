import { z } from 'zod'
import { drillSettingsSchema } from './drills.ts'
import { itemSchema } from './instances.ts'
import { stateSchema } from './jobs.ts'
import { retentionSchema } from './plans.ts'
import { protectionSchema } from './protection.ts'
import { scheduleSchema } from './schedule.ts'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, idSchema, instantSchema } from './schema.ts'

/** `GET /v1/instances/{id}/report`. */
export const reportQuerySchema = z.strictObject({
  days: z.coerce
    .number()
    .pipe(z.int().min(1).max(3650))
    .optional()
    .meta(about('How many days of backups and drills it covers; 90 by default', 90)),
})
export type ReportQuery = z.input<typeof reportQuerySchema>

const count = (description: string, example: number) => z.int().meta(about(description, example))

const reportedPlanSchema = z.object({
  id: idSchema.meta(about('Id of the plan', EXAMPLE_ID)),
  name: z.string().meta(about('Its name', 'nightly')),
  items: z.array(z.string()).meta(about('What it covers: names and patterns', ['shop'])),
  schedule: scheduleSchema.meta({ description: 'When it runs' }),
  paused: z.boolean().meta(about('Whether its schedule is paused', false)),
  retention: retentionSchema.meta({ description: 'Which restore points are kept' }),
  encrypted: z.boolean().meta(about('Whether its dumps are encrypted', true)),
  destination: z
    .object({
      name: z.string().meta(about('Name of the destination', 'nightly')),
      kind: z.string().meta(about('Its kind of store', 's3')),
    })
    .meta({ description: 'Where its backups are stored' }),
  drill: drillSettingsSchema.optional().meta({ description: 'How it is proven to be restorable; absent: it is not' }),
})

const reportedDrillSchema = z.object({
  jobId: idSchema.meta(about('The job', EXAMPLE_ID)),
  planId: idSchema.optional().meta(about('Its plan', EXAMPLE_ID)),
  state: stateSchema,
  startedAt: instantSchema.meta(about('When it began', EXAMPLE_INSTANT)),
  endedAt: instantSchema.optional().meta(about('When it ended', '2026-03-01T02:00:42.000Z')),
  items: z
    .array(
      z.object({
        item: z.string().meta(about('The item', 'shop')),
        passed: z.boolean().meta(about('Whether it was proven to be restorable', true)),
        reason: z.string().optional().meta(about('Why not', 'The check "orders" failed: It printed "0".')),
        restorePointTakenAt: instantSchema
          .optional()
          .meta(about('When the restore point was taken that was restored', EXAMPLE_INSTANT)),
        verified: z.boolean().meta(about('Whether the stage `verify` ran and succeeded', true)),
        checksPassed: count('Checks that passed', 3),
        checks: count('Checks', 3),
        recoverySeconds: z.number().optional().meta(about('The measured recovery time', 84)),
      }),
    )
    .meta({ description: 'What it found out' }),
})

export const reportSchema = z.object({
  instanceId: idSchema.meta(about('The service instance', 'shop-db')),
  environment: z.string().meta(about('Name of the installation', 'production')),
  version: z.string().meta(about('Version of the manager', '1.4.0')),
  createdAt: instantSchema.meta(about('When the report was created', EXAMPLE_INSTANT)),
  since: instantSchema.meta(about('From when on backups and drills are covered', EXAMPLE_INSTANT)),
  protection: protectionSchema.meta({ description: 'The worst protection among the items' }),
  lastProvenRestorableAt: instantSchema
    .optional()
    .meta(about('The earliest of the last proofs of its items that drills cover', EXAMPLE_INSTANT)),
  plans: z.array(reportedPlanSchema).meta({ description: 'Its backup plans' }),
  items: z.array(itemSchema).meta({ description: 'Its items, with their protection and proof' }),
  backups: z
    .object({
      succeeded: count('Backup jobs that succeeded', 90),
      failed: count('Backup jobs that failed', 1),
      cancelled: count('Backup jobs that were cancelled', 0),
    })
    .meta({ description: 'Backup jobs that ended since then' }),
  drills: z.array(reportedDrillSchema).meta({ description: 'Drills since then, newest first; at most 500' }),
})
export type Report = z.infer<typeof reportSchema>

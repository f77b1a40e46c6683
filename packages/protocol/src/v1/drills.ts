import { z } from 'zod'
import { checkKinds } from '../agent/drill.ts'
import { itemPatternsSchema, itemSchema } from '../item.ts'
import { brokerPlanFields } from './provisioning.ts'
import { scheduleSchema } from './schedule.ts'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, idSchema, instantSchema } from './schema.ts'

/** Which restore point of an item a drill restores. */
export const drillSelections = ['newest', 'random'] as const
export type DrillSelection = (typeof drillSelections)[number]

/** Where a drill restores to. */
export const drillTargetSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('instance').meta(about('A registered instance that is marked as a drill target', 'instance')),
    instanceId: idSchema.meta(about('The drill target: an instance with `drillTarget`', 'drill-pg')),
    database: itemSchema
      .optional()
      .meta(
        about(
          'The database that every item is restored over, and that stays. Absent: each item gets a database of its own, `osb_drill_…`, which is dropped in the end; the script pack needs the stage `drill-cleanup` for that',
          'drill',
        ),
      ),
  }),
  z.strictObject({
    kind: z
      .literal('service-broker')
      .meta(
        about('An instance that is provisioned through a service broker for each drill, and deleted', 'service-broker'),
      ),
    ...brokerPlanFields,
  }),
])
export type DrillTarget = z.infer<typeof drillTargetSchema>

/** What is checked in a restored database, besides the stage `verify`. */
export const drillCheckSchema = z.strictObject({
  name: z.string().min(1).max(100).meta(about('A name for people, unique within the drill', 'orders are there')),
  kind: z
    .enum(checkKinds)
    .optional()
    .meta(
      about(
        '`statement`, by default: the script pack runs `statement` in the database. `row-counts`: every table has the rows that the backup recorded',
        'statement',
      ),
    ),
  items: itemPatternsSchema
    .optional()
    .meta(about('The items that are checked: names, or patterns with `*`; all by default', ['shop'])),
  statement: z
    .string()
    .min(1)
    .max(10_000)
    .optional()
    .meta(about('`statement`: what is run, in the language of the service', 'SELECT count(*) FROM orders')),
  expected: z
    .string()
    .max(4000)
    .optional()
    .meta(
      about(
        'What it must print, without regard to white space at the ends; PostgreSQL: a row a line, columns parted by tabs',
        '42',
      ),
    ),
  minimum: z.number().optional().meta(about('What it must print is a number that is at least this', 1000)),
})
export type DrillCheck = z.infer<typeof drillCheckSchema>

/** How a plan is proven to be restorable. */
export const drillSettingsSchema = z.strictObject({
  schedule: scheduleSchema.optional().meta({ description: 'When drills run; absent: only when requested' }),
  select: z
    .enum(drillSelections)
    .optional()
    .meta(about('Which restore point of each item is restored; the newest by default', 'newest')),
  items: itemPatternsSchema
    .optional()
    .meta(about('Which of the items of the plan: names, or patterns with `*`; all by default', ['shop*'])),
  target: drillTargetSchema.meta({ description: 'Where it is restored to' }),
  checks: z
    .array(drillCheckSchema)
    .max(50)
    .optional()
    .meta({ description: 'What is checked besides the stage `verify`' }),
})
export type DrillSettings = z.infer<typeof drillSettingsSchema>

/** `POST /v1/plans/{id}/drill`. */
export const drillRequestSchema = z
  .strictObject({
    select: z
      .enum(drillSelections)
      .optional()
      .meta(about('Which restore point of each item is restored; by default as the plan says', 'random')),
    items: z
      .array(itemSchema)
      .min(1)
      .max(500)
      .optional()
      .meta(about('The items that are restored; by default all that the drills of the plan cover', ['shop'])),
  })
  .optional()
export type DrillRequest = z.infer<typeof drillRequestSchema>

/** The steps of a drill, in their order. */
export const drillSteps = ['prepare', 'restore', 'clean-up', 'done'] as const
export type DrillStepName = (typeof drillSteps)[number]

/** What a drill does, and did, as a whole. */
export const jobDrillSchema = z.object({
  select: z.enum(drillSelections).meta(about('Which restore point of each item is restored', 'newest')),
  target: drillTargetSchema.meta({ description: 'Where it is restored to' }),
  targetInstanceId: idSchema
    .optional()
    .meta(about('The instance that is restored into; absent until it is ready', 'drill-pg')),
  step: z
    .enum(drillSteps)
    .meta(about('What it does at the moment: prepares its target, restores, or cleans up', 'restore')),
  failure: z.string().optional().meta(about('Why it failed as a whole', 'The drill target is not registered.')),
  cleanUpProblem: z
    .string()
    .optional()
    .meta(
      about('Why its last attempt to clean up failed; it is repeated until it succeeds', 'The broker does not answer.'),
    ),
  steps: z
    .array(
      z.object({
        name: z.enum(drillSteps).meta(about('The step', 'restore')),
        item: z.string().optional().meta(about('The item, of a restore', 'shop')),
        state: z.enum(['running', 'succeeded', 'failed']).meta(about('How it ended', 'succeeded')),
        detail: z.string().optional().meta(about('What came of it', 'The restore job 69a3a7c0f1d2b3c4d5e6f708.')),
        startedAt: instantSchema.meta(about('When it began', EXAMPLE_INSTANT)),
        endedAt: instantSchema.optional().meta(about('When it ended', '2026-03-01T02:00:42.000Z')),
      }),
    )
    .meta({ description: 'The steps that were begun, in their order' }),
})
export type JobDrill = z.infer<typeof jobDrillSchema>

/** What a drill found out about an item. */
export const partDrillSchema = z.object({
  restoreJobId: idSchema.optional().meta(about('The restore job that restored it', EXAMPLE_ID)),
  takenAt: instantSchema.optional().meta(about('When the restore point was taken that was restored', EXAMPLE_INSTANT)),
  passed: z.boolean().optional().meta(about('Whether it was restored and passed; absent until that is known', true)),
  verified: z.boolean().meta(about('Whether the stage `verify` of the script pack ran and succeeded', true)),
  checks: z
    .array(
      z.object({
        name: z.string().meta(about('The check', 'orders are there')),
        passed: z.boolean().meta(about('Whether it found what was expected', true)),
        output: z.string().optional().meta(about('What it printed', '42')),
        reason: z.string().optional().meta(about('Why it failed', 'It printed "0" instead of "42".')),
      }),
    )
    .meta({ description: 'The checks that have run' }),
  recoverySeconds: z
    .number()
    .optional()
    .meta(about('The measured recovery time: from the start of the restore until it was verified and checked', 84)),
})
export type PartDrill = z.infer<typeof partDrillSchema>

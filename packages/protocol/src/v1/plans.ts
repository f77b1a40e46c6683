import { z } from 'zod'
import { itemSchema } from '../item.ts'
import { drillSettingsSchema } from './drills.ts'
import { mergePatchSchema } from './merge-patch.ts'
import { scheduleSchema } from './schedule.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  filterFields,
  idSchema,
  instantSchema,
  labelField,
  managedByField,
  pagingFields,
  searchField,
} from './schema.ts'

const RECIPIENT = 'age12jxjtvaydgh0pqwsfy7rxkp2xn720g7vfm8gfdq8sp99fsl0yelq2mhm2m'

export const retentionStyles = ['count', 'hours', 'days', 'gfs', 'all'] as const
export type RetentionStyle = (typeof retentionStyles)[number]

const MAX_PERIOD = 100_000
const generation = (description: string, example: number) =>
  z.int().min(1).max(MAX_PERIOD).optional().meta(about(description, example))

export const retentionSchema = z
  .strictObject({
    style: z
      .enum(retentionStyles)
      .meta(
        about(
          'What is kept of each item: the newest `period` restore points, those of `period` hours or days, the newest of each hour, day, week, month and year as far back as the `keep` fields say (`gfs`: grandfather-father-son), or all',
          'days',
        ),
      ),
    period: z
      .int()
      .min(1)
      .max(MAX_PERIOD)
      .optional()
      .meta(about('Number of restore points, hours or days; required with `count`, `hours` and `days`', 14)),
    keepLast: generation('`gfs`: how many of the newest restore points are kept whenever they were taken', 2),
    keepHourly: generation(
      '`gfs`: of how many hours the newest restore point is kept; hours without any do not count',
      24,
    ),
    keepDaily: generation('`gfs`: of how many days, in the time zone of the schedule', 7),
    keepWeekly: generation('`gfs`: of how many weeks, from Monday', 4),
    keepMonthly: generation('`gfs`: of how many months', 12),
    keepYearly: generation('`gfs`: of how many years', 5),
    maxAgeDays: generation(
      '`gfs`: what is older than the newest restore point by more than these days is not kept by any of the others',
      1825,
    ),
  })
  .meta({ examples: [{ style: 'days', period: 14 }] })
export type Retention = z.infer<typeof retentionSchema>

const compressionSchema = z.strictObject({
  algorithm: z.enum(['none', 'zstd', 'gzip']).meta(about('How dumps are compressed', 'zstd')),
  level: z.int().min(1).max(19).optional().meta(about('Level of the algorithm; absent for its default', 3)),
})

const publicKey = z
  .string()
  .min(1)
  .max(20_000)
  .optional()
  .meta(about('age recipients, separated by commas, or a key that only the scripts understand', RECIPIENT))

const fields = {
  name: z.string().min(1).max(200).meta(about('A name for people, unique within the instance', 'nightly')),
  label: labelField,
  destinationId: idSchema.meta(about('Where its backups are stored', EXAMPLE_ID)),
  items: z
    .array(itemSchema)
    .min(1)
    .max(500)
    .meta(
      about(
        'The databases that it covers: names, or patterns in which `*` matches any text. Patterns are expanded by each run, to what the script `list-items` of the agent prints and the service instance may use; a run whose list fails, or that finds nothing, fails',
        ['shop', 'shop_*'],
      ),
    ),
  schedule: scheduleSchema.meta({ description: 'When it runs' }),
  retention: retentionSchema.meta({ description: 'Which restore points are kept' }),
}
const excludedItems = z
  .array(itemSchema)
  .max(500)
  .meta(about('What the patterns in `items` do not cover: names, or patterns with `*`', ['shop_tmp*']))
const paused = z.boolean().meta(about('Whether its schedule is paused', false))
const rpoSeconds = z
  .int()
  .min(60)
  .max(1_000_000_000)
  .optional()
  .meta(
    about(
      'Recovery point objective: how old the newest restore point of an item may be; absent for twice the interval',
      172_800,
    ),
  )

const retries = z
  .int()
  .min(0)
  .max(10)
  .meta(
    about(
      'How often a scheduled run that failed for a transient reason is tried again at most, always before the next run',
      2,
    ),
  )

const parallelItems = z
  .int()
  .min(1)
  .max(20)
  .meta(
    about(
      'How many of its items are backed up at the same time at most, as far as the limits on running jobs allow',
      2,
    ),
  )

const drill = drillSettingsSchema.meta({
  description: 'How it is proven that its restore points can be restored; not at all by default',
})

/** A plan as it can be written once it has an id. */
export const planSettingsSchema = z.strictObject({
  ...fields,
  excludedItems: excludedItems.optional(),
  paused: paused.optional(),
  compression: compressionSchema.optional().meta({ description: 'How dumps are compressed; zstd by default' }),
  encryption: z
    .strictObject({
      publicKey,
      privateKey: z
        .string()
        .min(1)
        .max(20_000)
        .optional()
        .meta(
          about('Stored so that the manager can restore without being given a key. Write-only', 'AGE-SECRET-KEY-1…'),
        ),
    })
    .optional()
    .meta({ description: 'How dumps are encrypted; not at all by default' }),
  rpoSeconds,
  retries: retries.optional(),
  parallelItems: parallelItems.optional(),
  drill: drill.optional(),
})
export type PlanSettings = z.infer<typeof planSettingsSchema>

const instanceId = idSchema.meta(about('The service instance that it backs up', 'shop-db'))

/** `POST /v1/plans`. */
export const planCreateSchema = planSettingsSchema.extend({ instanceId })
export type PlanCreate = z.infer<typeof planCreateSchema>

/** `PATCH /v1/plans/{id}`. */
export const planPatchSchema = mergePatchSchema(planSettingsSchema)
export type PlanPatch = z.infer<typeof planPatchSchema>

/** A plan in an answer. */
export const planSchema = z.object({
  id: idSchema.meta(about('Id of the plan', EXAMPLE_ID)),
  instanceId,
  ...fields,
  excludedItems,
  paused,
  compression: compressionSchema.meta({ description: 'How dumps are compressed' }),
  encryption: z
    .object({ publicKey, privateKeySet: z.boolean().meta(about('Whether a private key is stored', false)) })
    .meta({ description: 'How dumps are encrypted' }),
  rpoSeconds,
  retries,
  parallelItems,
  managedBy: managedByField,
  mayPause: z
    .boolean()
    .optional()
    .meta(about('Of a plan that something maintains: whether it may be paused and resumed by hand', false)),
  drill: drill.optional(),
  nextDrillAt: instantSchema
    .optional()
    .meta(
      about('When its next drill is due; absent while it is paused, or has no drills by schedule', EXAMPLE_INSTANT),
    ),
  nextRunAt: instantSchema.optional().meta(about('When it runs next; absent while it is paused', EXAMPLE_INSTANT)),
  retentionEffectiveAt: instantSchema
    .optional()
    .meta(about('Until then a change of retention deletes nothing', EXAMPLE_INSTANT)),
  createdAt: instantSchema.meta(about('When it was created', EXAMPLE_INSTANT)),
})
export type Plan = z.infer<typeof planSchema>

/** `GET /v1/plans`. */
export const planQuerySchema = z.strictObject({
  ...pagingFields,
  instance: filterFields.instance,
  item: filterFields.item,
  destination: idSchema.optional().meta(about('Only plans that store in this destination', EXAMPLE_ID)),
  paused: z
    .enum(['true', 'false'])
    .optional()
    .meta(about('Only plans that are paused (`true`) or not (`false`)', 'false')),
  q: searchField('the name'),
})
export type PlanQuery = z.input<typeof planQuerySchema>

/** `DELETE /v1/plans/{id}`. */
export const planDeleteQuerySchema = z.strictObject({
  files: z
    .enum(['keep', 'delete'])
    .optional()
    .meta(
      about('Whether to keep or delete its stored objects; `keep` by default. Objects on hold are always kept', 'keep'),
    ),
})

/** `POST /v1/plans/{id}/keys`: creates a pair of age keys for a plan. */
export const planKeysRequestSchema = z.strictObject({
  keepPrivateKey: z
    .boolean()
    .meta(
      about(
        'Whether the manager keeps the private key, to restore without being given it. Otherwise only this response contains it',
        true,
      ),
    ),
})
export type PlanKeysRequest = z.infer<typeof planKeysRequestSchema>

export const planKeysSchema = z.object({
  publicKey: z.string().meta(about('The plan encrypts to it from now on', RECIPIENT)),
  privateKey: z.string().meta(about('Shown only once', 'AGE-SECRET-KEY-1…')),
  kept: z.boolean().meta(about('Whether the manager keeps the private key', true)),
})
export type PlanKeys = z.infer<typeof planKeysSchema>

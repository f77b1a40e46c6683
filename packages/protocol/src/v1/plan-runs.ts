import { z } from 'zod'
import { jobStates, stateSchema } from './jobs.ts'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, filterFields, idSchema, instantSchema, pagingFields } from './schema.ts'

/** One attempt of a run. */
const attemptSchema = z.object({
  number: z.int().min(1).meta(about('1 for the first', 1)),
  jobId: idSchema.meta(about('Its job', EXAMPLE_ID)),
  state: stateSchema,
  createdAt: instantSchema.meta(about('When it was queued', EXAMPLE_INSTANT)),
  endedAt: instantSchema.optional().meta(about('When it ended', '2026-03-01T02:00:42.000Z')),
})

export const runStates = [...jobStates, 'retrying'] as const
export type RunState = (typeof runStates)[number]

/** `POST /v1/plans/{id}/run`. */
export const planRunRequestSchema = z
  .strictObject({
    wait: z
      .boolean()
      .optional()
      .meta(
        about(
          'Waits for jobs that work on a database of the plan; by default the request is refused then, with 409',
          true,
        ),
      ),
  })
  .nullish()
export type PlanRunRequest = NonNullable<z.infer<typeof planRunRequestSchema>>

export const runOutcomes = ['started', 'skipped', 'missed'] as const

/** A scheduled run of a plan, or several in a row that were missed. */
export const planRunSchema = z.object({
  outcome: z
    .enum(runOutcomes)
    .meta(
      about(
        'A job was started; none was, or it could not begin, since another job still ran or the plan was changed; or no manager was running in time',
        'started',
      ),
    ),
  dueAt: instantSchema.meta(about('When it was due; of several the first', EXAMPLE_INSTANT)),
  lastDueAt: instantSchema.meta(about('Of several the last', EXAMPLE_INSTANT)),
  runCount: z.int().min(1).meta(about('Number of runs that this entry covers', 1)),
  late: z.boolean().meta(about('Whether the job was started late, after an outage', false)),
  jobId: idSchema.optional().meta(about('The job that was started first, or that blocked the run', EXAMPLE_ID)),
  state: z
    .enum(runStates)
    .optional()
    .meta(
      about(
        'State of its last attempt, or `retrying` while another one is due; absent if no job was started, or it was deleted',
        'succeeded',
      ),
    ),
  attempts: z.array(attemptSchema).meta({ description: 'The jobs that were started for it, the first one first' }),
  nextAttemptAt: instantSchema.optional().meta(about('When it is retried', EXAMPLE_INSTANT)),
  reason: z.string().optional().meta(about('Why no job was started', 'No manager was running in time.')),
  decidedAt: instantSchema.meta(about('When the outcome was decided', EXAMPLE_INSTANT)),
})
export type PlanRun = z.infer<typeof planRunSchema>

/** `GET /v1/plans/{id}/runs`. */
export const planRunQuerySchema = z.strictObject({
  ...pagingFields,
  outcome: z.enum(runOutcomes).optional().meta(about('Only runs with this outcome', 'missed')),
  since: filterFields.since,
  until: filterFields.until,
})
export type PlanRunQuery = z.input<typeof planRunQuerySchema>

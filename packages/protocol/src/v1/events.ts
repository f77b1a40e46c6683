import { z } from 'zod'
import { jobPartSchema, jobSchema } from './jobs.ts'
import { about, EXAMPLE_ID, filterFields, idSchema } from './schema.ts'

/**
 * What `event: job` carries: ids, and those fields of the job that differ from the event before. Of a job that the stream
 * names for the first time all of them are there.
 */
export const jobEventSchema = z.object({
  jobId: idSchema.meta(about('The job that changed', EXAMPLE_ID)),
  instanceId: idSchema.meta(about('Its instance', 'shop-db')),
  planId: idSchema.optional().meta(about('Its plan', EXAMPLE_ID)),
  kind: jobSchema.shape.kind,
  changed: z
    .object({
      state: jobSchema.shape.state.optional(),
      endedAt: jobSchema.shape.endedAt,
      cancellation: jobSchema.shape.cancellation,
      parts: z
        .array(
          jobPartSchema
            .pick({ item: true })
            .extend(
              jobPartSchema
                .pick({ state: true, stage: true, bytesRead: true, bytesExpected: true, bytesStored: true })
                .partial().shape,
            ),
        )
        .optional()
        .meta({ description: 'The parts that changed, each with its item and what changed of it' }),
    })
    .meta({ description: 'What changed' }),
})
export type JobEvent = z.infer<typeof jobEventSchema>

/** `GET /v1/events`. */
export const eventQuerySchema = z.strictObject({ instance: filterFields.instance })
export type EventQuery = z.input<typeof eventQuerySchema>

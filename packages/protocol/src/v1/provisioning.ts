import { z } from 'zod'
import { about, EXAMPLE_ID, idSchema } from './schema.ts'

/** Which plan of which service broker an instance is requested of. */
export const brokerPlanFields = {
  serviceBrokerId: idSchema.optional().meta(about('The service broker; absent where there is only one', EXAMPLE_ID)),
  service: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .meta(about('A service of its catalog, by name or id; absent for that of the source', 'postgresql')),
  servicePlan: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .meta(about('A plan of the service, by name or id; absent for that of the source', 'small')),
}

/** The same, with what the broker is passed. */
export const provisioningFields = {
  ...brokerPlanFields,
  parameters: z
    .record(z.string().min(1).max(255), z.unknown())
    .optional()
    .meta(about('Passed to the broker', { version: '16' })),
}

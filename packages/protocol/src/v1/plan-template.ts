import { z } from 'zod'
import { itemSchema } from '../item.ts'
import { destinationSettingsSchema } from './destinations.ts'
import { planSchema, planSettingsSchema } from './plans.ts'
import { about } from './schema.ts'
import { storeSchema } from './stores.ts'

const items = z
  .array(itemSchema)
  .min(1)
  .max(500)
  .optional()
  .meta(
    about(
      'The databases that the plans cover: names, or patterns in which `*` matches any text; by default what each service instance has declared, otherwise all of them',
      ['*'],
    ),
  )

const runFields = planSettingsSchema.pick({
  schedule: true,
  retention: true,
  compression: true,
  encryption: true,
  rpoSeconds: true,
  retries: true,
  parallelItems: true,
  excludedItems: true,
  drill: true,
})

const destinationFields = destinationSettingsSchema.pick({ bandwidthLimitBytesPerSecond: true, quotaBytes: true })

/** The destination of a template: each service instance gets one of its own that is created from it. */
export const destinationTemplateSchema = destinationFields.extend({
  store: destinationSettingsSchema.shape.store.meta({
    description:
      'Where the bytes are stored, and the credentials. `{instanceId}` stands for the id of the service instance in `bucket`, `container` and `directory`; a directory requires it',
  }),
})

/** What backup plans are created from, one for each service instance, with a destination of its own. */
export const planTemplateSchema = runFields.extend({
  items,
  destination: destinationTemplateSchema.meta({ description: 'What the destination of each plan is created from' }),
})
export type PlanTemplate = z.infer<typeof planTemplateSchema>

/** A template in an answer: without its secrets. */
export const shownPlanTemplateSchema = z.object({
  ...runFields.shape,
  items,
  encryption: planSchema.shape.encryption,
  destination: z
    .object({
      ...destinationFields.shape,
      store: storeSchema.meta({ description: 'Where the bytes are stored' }),
    })
    .meta({ description: 'What the destination of each plan is created from' }),
})
export type ShownPlanTemplate = z.infer<typeof shownPlanTemplateSchema>

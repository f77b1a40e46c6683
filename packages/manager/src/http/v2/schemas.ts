import { z } from 'zod'

/** Requests of the Open Service Broker API. Unknown fields are ignored, as it says: platforms may be newer than this broker. */
const nonEmpty = z.string().min(1).max(1000)
const anyObject = z.record(z.string(), z.unknown())
const maintenanceInfo = z.object({ version: nonEmpty }).optional()
const acceptsIncomplete = z.enum(['true', 'false']).optional()

export const instanceParams = z.object({ instance_id: nonEmpty })
export const bindingParams = instanceParams.extend({ binding_id: nonEmpty })

export const acceptsQuery = z.object({ accepts_incomplete: acceptsIncomplete })
export const deleteQuery = z.object({ service_id: nonEmpty, plan_id: nonEmpty, accepts_incomplete: acceptsIncomplete })
/** Hints that this broker does not need. */
export const fetchQuery = z.object({ service_id: nonEmpty.optional(), plan_id: nonEmpty.optional() })
export const pollQuery = fetchQuery.extend({ operation: z.string().max(10_000).optional() })

export const provisionBody = z.object({
  service_id: nonEmpty,
  plan_id: nonEmpty,
  organization_guid: nonEmpty,
  space_guid: nonEmpty,
  context: anyObject.optional(),
  parameters: anyObject.optional(),
  maintenance_info: maintenanceInfo,
})

export const updateBody = z.object({
  service_id: nonEmpty,
  plan_id: nonEmpty.optional(),
  context: anyObject.optional(),
  parameters: anyObject.optional(),
  previous_values: anyObject.optional(),
  maintenance_info: maintenanceInfo,
})

export const bindBody = z.object({
  service_id: nonEmpty,
  plan_id: nonEmpty,
  context: anyObject.optional(),
  app_guid: nonEmpty.optional(),
  bind_resource: anyObject.optional(),
  parameters: anyObject.optional(),
  predecessor_binding_id: nonEmpty.optional(),
})

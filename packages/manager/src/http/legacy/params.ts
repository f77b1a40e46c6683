import { about } from '@osb-backup/protocol'
import { z } from 'zod'

/** The path of one thing. */
export const idParams = z.object({ id: z.string().max(100).meta(about('Its id', '69a3a7c0f1d2b3c4d5e6f708')) })

/** The path of what belongs to a service instance. */
export const byInstanceParams = z.object({
  instanceId: z.string().max(200).meta(about('Id of the service instance', 'shop-db')),
})

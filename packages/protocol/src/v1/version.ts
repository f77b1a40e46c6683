import { z } from 'zod'
import { about } from './schema.ts'

/** `GET /v1/version`. */
export const versionSchema = z.object({
  version: z.string().meta(about('The version of the manager', '0.1.0')),
  apiVersions: z.array(z.string()).meta(about('The versions of the API that it serves', ['v1'])),
})
export type Version = z.infer<typeof versionSchema>

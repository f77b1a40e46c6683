import { z } from 'zod'
import { about } from './schema.ts'

/** `GET /v1/version`. */
export const versionSchema = z.object({
  version: z.string().meta(about('The version of the manager', '0.1.0')),
  clockSkewSeconds: z
    .int()
    .optional()
    .meta(about("How far this manager's clock is ahead of PostgreSQL's; absent until it was compared", 0)),
  clockSkewed: z.boolean().meta(about('Whether the difference is larger than CLOCK_SKEW_WARNING_SECONDS', false)),
  apiVersions: z.array(z.string()).meta(about('The versions of the API that it serves', ['v1'])),
})
export type Version = z.infer<typeof versionSchema>

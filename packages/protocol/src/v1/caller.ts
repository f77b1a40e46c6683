import { z } from 'zod'
import { permissions, roles } from './access.ts'
import { about, EXAMPLE_ID, EXAMPLE_INSTANT, instantSchema } from './schema.ts'

/** `GET /v1/caller`: who makes the call, and what they may do. */
export const callerSchema = z.object({
  kind: z
    .enum(['token', 'user'])
    .meta(about('Whether a token of the manager or a user of the identity provider calls', 'token')),
  id: z.string().meta(about('Id of the token, or subject of the user', EXAMPLE_ID)),
  name: z.string().meta(about('A name for people', 'night shift')),
  role: z.enum(roles).meta(about('What the caller may do: each role includes the one before', 'operator')),
  permissions: z
    .array(z.enum(permissions))
    .meta(about('What the caller may do besides the role; admins have all permissions', ['delete-backups'])),
  instances: z
    .union([z.literal('all'), z.array(z.string())])
    .meta(
      about('The service instances that the caller may reach, as far as they are known: `all`, or their ids', 'all'),
    ),
  expiresAt: instantSchema.optional().meta(about('When the credential expires; absent for never', EXAMPLE_INSTANT)),
})
export type CallerInfo = z.infer<typeof callerSchema>

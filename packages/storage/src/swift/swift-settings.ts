import { z } from 'zod'
import { plainUrl } from '../plain-url.ts'
import { tlsSettingsSchema } from '../tls-settings.ts'

/** A container of OpenStack Swift, with authentication by Keystone v3 and password. */
export const swiftSettingsSchema = z.object({
  type: z.literal('swift'),
  /** Keystone's URL, with or without `/v3`. */
  authUrl: z.string(),
  /** Name of the domain of both user and project. */
  domain: z.string(),
  projectName: z.string(),
  username: z.string(),
  password: z.string(),
  container: z.string(),
  /** Region of the catalog's endpoint. Absent: the first object-store endpoint. */
  region: z.string().optional(),
  /** Swift's URL for the project, where the catalog's cannot be reached from here. */
  storageUrl: z.string().optional(),
  tls: tlsSettingsSchema.optional(),
})
export type SwiftSettings = z.infer<typeof swiftSettingsSchema>

/**
 * Keystone's URL with its version.
 *
 * @throws {StoreError} With code `misconfigured` if it is not valid.
 */
export function keystoneUrl({ authUrl }: Pick<SwiftSettings, 'authUrl'>): string {
  const base = plainUrl(authUrl, 'The Keystone URL')
  return base.endsWith('/v3') ? base : `${base}/v3`
}

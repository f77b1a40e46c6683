import { z } from 'zod'
import { plainUrl } from '../plain-url.ts'
import { tlsSettingsSchema } from '../tls-settings.ts'

/** A container of OpenStack Swift. Texts that are empty are absent. */
export const swiftSettingsSchema = z.object({
  type: z.literal('swift'),
  /** Keystone's URL, with or without `/v3`; or the URL of a login of version 1. */
  authUrl: z.string(),
  /** 3 is Keystone, 1 the login that Swift (TempAuth) and Ceph bring. Absent: as the URL says. */
  authVersion: z.enum(['1', '3']).optional(),
  /** Name of the domain of user and project, where none of the next four names another. */
  domain: z.string(),
  userDomain: z.string().optional(),
  userDomainId: z.string().optional(),
  projectDomain: z.string().optional(),
  projectDomainId: z.string().optional(),
  projectName: z.string(),
  projectId: z.string().optional(),
  /** Version 1: `account:user`. */
  username: z.string(),
  userId: z.string().optional(),
  /** An application credential; `password` is its secret. One with an id needs no user. */
  applicationCredentialId: z.string().optional(),
  applicationCredentialName: z.string().optional(),
  password: z.string(),
  container: z.string(),
  /** Region of the catalog's endpoint. Absent: the first object-store endpoint. */
  region: z.string().optional(),
  /** Which endpoint of the catalog. Absent: the public one. */
  interface: z.enum(['public', 'internal', 'admin']).optional(),
  /** Swift's URL for the project, where the catalog's cannot be reached from here. */
  storageUrl: z.string().optional(),
  /** Whether the older versions of an object are deleted with it, where the container keeps them beside its objects. */
  deleteVersions: z.boolean().optional(),
  tls: tlsSettingsSchema.optional(),
})
export type SwiftSettings = z.infer<typeof swiftSettingsSchema>

type Address = Pick<SwiftSettings, 'authUrl'> & { authVersion?: SwiftSettings['authVersion'] | undefined }

/** The version of the login: `1` where the settings or the usual paths of TempAuth and Ceph say so, else Keystone's. */
export function authVersionOf({ authUrl, authVersion }: Address): '1' | '3' {
  return authVersion ?? (/\/auth\/(v1|v1\.0|1\.0)\/*$/i.test(authUrl.trim()) ? '1' : '3')
}

/**
 * The URL of the login, with Keystone's version.
 *
 * @throws {StoreError} With code `misconfigured` if it is not valid.
 */
export function loginUrl(settings: Address): string {
  const base = plainUrl(settings.authUrl, 'The auth URL')
  return authVersionOf(settings) === '1' || base.endsWith('/v3') ? base : `${base}/v3`
}

/** What is missing for a login: the field of the settings, which may be one of several that would do. */
export function missingForLogin(
  settings: { [Name in keyof Omit<SwiftSettings, 'type' | 'tls'>]?: SwiftSettings[Name] | undefined } & Pick<
    SwiftSettings,
    'authUrl'
  >,
): 'username' | 'domain' | 'projectName' | undefined {
  if (settings.applicationCredentialId) return undefined
  if (!settings.username && !settings.userId) return 'username'
  if (authVersionOf(settings) === '1') return undefined
  const hasUserDomain = settings.userId || settings.domain || settings.userDomain || settings.userDomainId
  if (!hasUserDomain) return 'domain'
  if (settings.applicationCredentialName) return undefined
  if (!settings.projectName && !settings.projectId) return 'projectName'
  const hasProjectDomain = settings.projectId || settings.domain || settings.projectDomain || settings.projectDomainId
  return hasProjectDomain ? undefined : 'domain'
}

/** Who logs in, and the project, for messages: `container x of PROJECT`. */
export function accountOf(settings: Omit<SwiftSettings, 'type'>): string {
  const { projectName, projectId, applicationCredentialId, applicationCredentialName, username, userId } = settings
  return projectName || projectId || applicationCredentialName || applicationCredentialId || username || userId || ''
}

/** Where objects are stored, for messages. */
export function locationOf(settings: SwiftSettings): string {
  return `container ${settings.container} of ${accountOf(settings)} at ${settings.authUrl}`
}

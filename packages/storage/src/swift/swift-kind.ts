import { err, ok } from '@osb-backup/core'
import {
  type AgentDestination,
  agentDestinationSchema,
  MASKED_SECRET,
  type SwiftDestinationRequest,
  swiftDestinationRequestSchema,
  swiftDestinationSchema,
} from '@osb-backup/protocol'
import { type SwiftStoreSettings, swiftStoreSchema, swiftStoreSettingsSchema } from '@osb-backup/protocol/v1/stores'
import {
  type AnySettings,
  type FieldError,
  keptSecret,
  missingSecret,
  presentFields,
  renamedFields,
  type StoreKind,
} from '../store-kind.ts'
import { decodeAgentTls, decodeApiTls, encodeAgentTls, encodeApiTls, type TlsSettings } from '../tls-settings.ts'
import {
  authVersionOf,
  locationOf,
  loginUrl,
  missingForLogin,
  type SwiftSettings,
  swiftSettingsSchema,
} from './swift-settings.ts'

const isSwift = (settings: AnySettings | undefined): settings is SwiftSettings => settings?.type === 'swift'

/** Settings that need not be given, and how agent requests call them. */
const agentNames = {
  authVersion: 'auth_version',
  interface: 'endpoint_interface',
  userDomain: 'user_domain',
  userDomainId: 'user_domain_id',
  userId: 'user_id',
  projectDomain: 'project_domain',
  projectDomainId: 'project_domain_id',
  projectId: 'project_id',
  applicationCredentialId: 'application_credential_id',
  applicationCredentialName: 'application_credential_name',
  region: 'region',
  deleteVersions: 'delete_versions',
} as const
const optionNames = Object.keys(agentNames) as (keyof typeof agentNames)[]
/** Options that say nothing of who logs in. */
const plainOptions: readonly string[] = ['region', 'deleteVersions']
const settingNames = Object.fromEntries(Object.entries(agentNames).map(([ours, theirs]) => [theirs, ours]))

const agentFields = agentDestinationSchema.pick({
  authUrl: true,
  domain: true,
  container_name: true,
  project_name: true,
  username: true,
  password: true,
  region: true,
  auth_version: true,
  endpoint_interface: true,
  user_domain: true,
  user_domain_id: true,
  user_id: true,
  project_domain: true,
  project_domain_id: true,
  project_id: true,
  application_credential_id: true,
  application_credential_name: true,
  delete_versions: true,
  ca_certificate: true,
  insecure_tls: true,
}).shape

/** OpenStack Swift. */
export const swiftKind = {
  type: 'swift',
  wireType: 'SWIFT',
  legacyClass: 'SwiftFileDestination',
  settingsSchema: swiftSettingsSchema,
  secretFields: ['password'],
  credentialFields: [],
  location(settings) {
    loginUrl(settings)
    return locationOf(settings)
  },
  identity: (settings) => {
    const { authUrl, domain, projectName, container, region = '', projectId = '' } = settings
    const { projectDomain = '', projectDomainId = '', username } = settings
    // Version 1 has no projects: an account is the user's.
    const account = authVersionOf(settings) === '1' ? (username.split(':')[0] ?? '') : projectName
    return [authUrl, projectDomain || domain, projectDomainId, account, projectId, region, container]
  },
  endpointField: 'authUrl',
  endpoint: (settings) => new URL(loginUrl(settings)),
  containerField: 'container',
  terms: ({ authUrl, container, region = '' }) => ({
    server: authUrl,
    container: `container ${JSON.stringify(container)}`,
    region,
    wrongCredentials: 'the credentials are wrong: user, password, domain or project.',
  }),
  localDirectory: () => undefined,
  withLocalDirectory: (settings) => settings,
  agent: {
    fields: agentFields,
    requiredFields: ['authUrl', 'domain', 'container_name', 'project_name', 'username', 'password'],
    expectedFields: [],
    waivedFields(destination) {
      const required = ['domain', 'project_name', 'username']
      const settings = renamedFields(destination, { ...settingNames, ...wireNames }) as { authUrl: string }
      const missing = missingForLogin({ ...settings, authUrl: String(settings.authUrl ?? '') })
      // Requests of managers that know no other login are judged as ever.
      const isOtherLogin = optionNames.some((name) => !plainOptions.includes(name) && name in settings)
      return isOtherLogin || missing === undefined ? required.filter((name) => name !== wireNameOf(missing)) : []
    },
    decode(destination: AgentDestination) {
      return {
        type: 'swift',
        authUrl: destination.authUrl ?? '',
        domain: destination.domain ?? '',
        projectName: destination.project_name ?? '',
        username: destination.username ?? '',
        password: destination.password ?? '',
        container: destination.container_name ?? '',
        ...renamedFields(destination, settingNames),
        ...decodeAgentTls(destination),
      }
    },
    encode: (settings) => ({
      authUrl: settings.authUrl,
      domain: settings.domain,
      container_name: settings.container,
      project_name: settings.projectName,
      username: settings.username,
      password: settings.password,
      ...renamedFields(settings, agentNames),
      ...encodeAgentTls(settings.tls),
    }),
    answerFields: ({ region, authUrl, domain, container, projectName }) => ({
      region,
      authUrl,
      domain,
      container_name: container,
      project_name: projectName,
    }),
    scriptVariables: ({ authUrl, domain, container, projectName, username, password }) => ({
      SWIFT_AUTHURL: authUrl,
      SWIFT_DOMAIN: domain,
      SWIFT_CONTAINERNAME: container,
      SWIFT_PROJECTNAME: projectName,
      SWIFT_USERNAME: username,
      SWIFT_PASSWORD: password,
    }),
  },
  legacy: {
    requestSchema: swiftDestinationRequestSchema,
    answerSchema: swiftDestinationSchema,
    decode(request: SwiftDestinationRequest, stored) {
      const { tls } = decodeApiTls(request, isSwift(stored) ? stored.tls : undefined)
      const password = keptSecret(request.password, storedPassword(request.authUrl, tls, stored))
      if (password === undefined) return err(missingSecret('password'))
      return ok({
        type: 'swift',
        authUrl: request.authUrl,
        domain: request.domain,
        projectName: request.project_name,
        username: request.username,
        password,
        container: request.container_name,
        ...(isSwift(stored) && keptOptions(stored, request)),
        ...(tls && { tls }),
      })
    },
    encode: (settings) => ({
      type: 'SWIFT',
      username: settings.username,
      password: MASKED_SECRET,
      authUrl: settings.authUrl,
      domain: settings.domain,
      container_name: settings.container,
      project_name: settings.projectName,
      ...encodeApiTls(settings.tls),
    }),
  },
  v1: {
    requestSchema: swiftStoreSettingsSchema,
    answerSchema: swiftStoreSchema,
    decode(request: SwiftStoreSettings, stored) {
      const { tls } = decodeApiTls(request)
      const password = keptSecret(request.password, storedPassword(request.authUrl, tls, stored))
      if (password === undefined) return err(missingSecret('password'))
      const { authUrl, domain = '', projectName = '', username = '', container } = request
      const missing = missingForLogin(request)
      if (missing !== undefined) return err({ field: missing, problem: needed[missing] })
      return ok({
        type: 'swift',
        authUrl,
        domain,
        projectName,
        username,
        password,
        container,
        ...presentFields(request, optionNames),
        ...(tls && { tls }),
      })
    },
    encode: ({ tls, ...settings }) => ({
      kind: 'swift',
      authUrl: settings.authUrl,
      container: settings.container,
      ...presentFields(settings, ['domain', 'projectName', 'username', ...optionNames]),
      passwordSet: settings.password !== '',
      ...encodeApiTls(tls),
    }),
  },
  async load() {
    const { SwiftStore } = await import('./swift-store.ts')
    const { listOrphanedSegments, removeSegments } = await import('./incomplete-uploads.ts')
    const { listHiddenVersions } = await import('./object-versions.ts')
    return {
      openStore: (settings, options) => new SwiftStore(settings, options),
      removeIncompleteUpload: removeSegments,
      listIncompleteUploads: listOrphanedSegments,
      listHiddenVersions,
    }
  },
} as const satisfies StoreKind<SwiftSettings>

const wireNames = { authUrl: 'authUrl', domain: 'domain', project_name: 'projectName', username: 'username' }

const wireNameOf = (setting: string | undefined) => (setting === 'projectName' ? 'project_name' : setting)

const needed = {
  username: 'username, userId or applicationCredentialId is required.',
  domain: 'domain, or a domain of user and project, is required.',
  projectName: 'projectName or projectId is required.',
} as const satisfies Record<string, FieldError['problem']>

/** What the legacy API cannot say stays, unless it contradicts what it says: who logs in, and to which project. */
function keptOptions(stored: SwiftSettings, request: SwiftDestinationRequest) {
  const isSameUser = stored.username === request.username
  const isSameProject = stored.projectName === request.project_name && stored.domain === request.domain
  return {
    ...presentFields(stored, ['region', 'interface', 'authVersion', 'deleteVersions']),
    ...(isSameUser && isSameProject ? presentFields(stored, optionNames) : {}),
  }
}

/**
 * The stored password, where it may be kept: unlike S3, Keystone is sent the password itself, so it is sent only where it
 * was sent before. Another authUrl may belong to an attacker, and so may a proxy in between, once more certificates are
 * trusted.
 */
function storedPassword(
  authUrl: string,
  tls: TlsSettings | undefined,
  stored: AnySettings | undefined,
): string | undefined {
  if (!isSwift(stored) || stored.authUrl !== authUrl) return undefined
  const trustsMore = (tls?.insecure && !stored.tls?.insecure) || (tls?.ca !== undefined && tls.ca !== stored.tls?.ca)
  return trustsMore ? undefined : stored.password
}

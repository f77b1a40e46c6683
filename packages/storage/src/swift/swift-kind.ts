import { err, ok } from '@osb-backup/core'
import {
  type AgentDestination,
  agentDestinationSchema,
  MASKED_SECRET,
  type SwiftDestinationRequest,
  swiftDestinationRequestSchema,
  swiftDestinationSchema,
} from '@osb-backup/protocol'
import { type SwiftStoreSettings, swiftStoreSchema, swiftStoreSettingsSchema } from '@osb-backup/protocol/v1'
import { type AnySettings, keptSecret, missingSecret, type StoreKind } from '../store-kind.ts'
import { decodeAgentTls, decodeApiTls, encodeAgentTls, encodeApiTls, type TlsSettings } from '../tls-settings.ts'
import { keystoneUrl, type SwiftSettings, swiftSettingsSchema } from './swift-settings.ts'

const isSwift = (settings: AnySettings | undefined): settings is SwiftSettings => settings?.type === 'swift'

const agentFields = agentDestinationSchema.pick({
  authUrl: true,
  domain: true,
  container_name: true,
  project_name: true,
  username: true,
  password: true,
  region: true,
  ca_certificate: true,
  insecure_tls: true,
}).shape

/** OpenStack Swift. */
export const swiftKind = {
  type: 'swift',
  wireType: 'SWIFT',
  settingsSchema: swiftSettingsSchema,
  secretFields: ['password'],
  credentialFields: [],
  location(settings) {
    keystoneUrl(settings)
    return `container ${settings.container} of ${settings.projectName} at ${settings.authUrl}`
  },
  identity: ({ authUrl, domain, projectName, container }) => [authUrl, domain, projectName, container],
  endpointField: 'authUrl',
  endpoint: (settings) => new URL(keystoneUrl(settings)),
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
    decode(destination: AgentDestination) {
      return {
        type: 'swift',
        authUrl: destination.authUrl ?? '',
        domain: destination.domain ?? '',
        projectName: destination.project_name ?? '',
        username: destination.username ?? '',
        password: destination.password ?? '',
        container: destination.container_name ?? '',
        ...(destination.region ? { region: destination.region } : {}),
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
      ...(settings.region === undefined ? {} : { region: settings.region }),
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
      const { authUrl, domain, projectName, username, container } = request
      return ok({ type: 'swift', authUrl, domain, projectName, username, password, container, ...(tls && { tls }) })
    },
    encode: ({ authUrl, domain, projectName, container, username, tls }) => ({
      kind: 'swift',
      authUrl,
      domain,
      projectName,
      container,
      username,
      passwordSet: true,
      ...encodeApiTls(tls),
    }),
  },
  async load() {
    const { SwiftStore } = await import('./swift-store.ts')
    const { listOrphanedSegments, removeSegments } = await import('./incomplete-uploads.ts')
    return {
      openStore: (settings, options) => new SwiftStore(settings, options),
      removeIncompleteUpload: removeSegments,
      listIncompleteUploads: listOrphanedSegments,
    }
  },
} as const satisfies StoreKind<SwiftSettings>

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

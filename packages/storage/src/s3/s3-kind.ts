import { err, ok } from '@osb-backup/core'
import {
  type AgentDestination,
  agentDestinationSchema,
  MASKED_SECRET,
  type S3DestinationRequest,
  s3DestinationRequestSchema,
  s3DestinationSchema,
} from '@osb-backup/protocol'
import { type S3StoreSettings, s3StoreSchema, s3StoreSettingsSchema } from '@osb-backup/protocol/v1/stores'
import {
  type AnySettings,
  keptSecret,
  missingSecret,
  presentFields,
  renamedFields,
  type StoreKind,
} from '../store-kind.ts'
import { decodeAgentTls, decodeApiTls, encodeAgentTls, encodeApiTls } from '../tls-settings.ts'
import {
  DEFAULT_REGION,
  endpointOf,
  locationOf,
  regionOf,
  type S3Settings,
  s3SettingsSchema,
  usesPlainHttp,
} from './s3-settings.ts'

const isS3 = (settings: AnySettings | undefined): settings is S3Settings => settings?.type === 's3'

/** Settings that need not be given, and how agent requests call them. */
const agentNames = {
  credentialsFrom: 'credentials_from',
  storageClass: 'storage_class',
  serverSideEncryption: 'server_side_encryption',
  kmsKeyId: 'kms_key_id',
  deleteVersions: 'delete_versions',
  sessionToken: 'session_token',
} as const
const settingNames = Object.fromEntries(Object.entries(agentNames).map(([ours, theirs]) => [theirs, ours]))
/** Those that every API shows. */
const optionNames = [
  'credentialsFrom',
  'storageClass',
  'serverSideEncryption',
  'kmsKeyId',
  'deleteVersions',
] as const satisfies readonly (keyof typeof agentNames)[]

const agentFields = agentDestinationSchema.pick({
  endpoint: true,
  region: true,
  bucket: true,
  authKey: true,
  authSecret: true,
  skipSSL: true,
  path_style: true,
  session_token: true,
  credentials_from: true,
  storage_class: true,
  server_side_encryption: true,
  kms_key_id: true,
  delete_versions: true,
  ca_certificate: true,
  insecure_tls: true,
}).shape

/** S3. */
export const s3Kind = {
  type: 's3',
  wireType: 'S3',
  legacyClass: 'S3FileDestination',
  settingsSchema: s3SettingsSchema,
  secretFields: ['secretAccessKey', 'sessionToken'],
  credentialFields: ['accessKeyId'],
  location: locationOf,
  identity: ({ endpoint = '', bucket }) => [endpoint, bucket],
  endpointField: 'endpoint',
  endpoint: (settings) => endpointOf(settings),
  containerField: 'bucket',
  terms: (settings) => ({
    server: settings.endpoint || 'AWS',
    container: `bucket ${JSON.stringify(settings.bucket)}`,
    region: regionOf(settings) ?? DEFAULT_REGION,
    wrongCredentials:
      'the credentials are wrong: the access key is not known there, or the secret does not belong to it.',
  }),
  localDirectory: () => undefined,
  withLocalDirectory: (settings) => settings,
  agent: {
    fields: agentFields,
    requiredFields: ['authKey', 'authSecret', 'bucket'],
    // Older managers do not send it.
    expectedFields: ['filenamePrefix'],
    waivedFields: ({ credentials_from: source }) => (source ? ['authKey', 'authSecret'] : []),
    decode(destination: AgentDestination) {
      return {
        type: 's3',
        endpoint: destination.endpoint ?? '',
        region: destination.region ?? '',
        bucket: destination.bucket ?? '',
        accessKeyId: destination.authKey ?? '',
        secretAccessKey: destination.authSecret ?? '',
        plainHttp: destination.skipSSL ?? false,
        ...(destination.path_style === undefined ? {} : { pathStyle: destination.path_style }),
        ...renamedFields(destination, settingNames),
        ...decodeAgentTls(destination),
      }
    },
    encode: (settings) => ({
      endpoint: settings.endpoint ?? '',
      region: settings.region ?? '',
      bucket: settings.bucket,
      authKey: settings.accessKeyId,
      authSecret: settings.secretAccessKey,
      skipSSL: usesPlainHttp(settings),
      ...(settings.pathStyle === undefined ? {} : { path_style: settings.pathStyle }),
      ...renamedFields(settings, agentNames),
      ...encodeAgentTls(settings.tls),
    }),
    answerFields: (settings) => ({
      region: settings.region,
      endpoint: settings.endpoint,
      bucket: settings.bucket,
      skipSSL: usesPlainHttp(settings),
    }),
    scriptVariables: (settings, prefix) => ({
      S3_BUCKET: settings.bucket,
      S3_ENDPOINT: settings.endpoint ?? '',
      S3_REGION: settings.region ?? '',
      S3_AUTHKEY: settings.accessKeyId,
      S3_AUTHSECRET: settings.secretAccessKey,
      S3_SKIPSSL: String(usesPlainHttp(settings)),
      S3_FILENAMEPREFIX: prefix,
    }),
  },
  legacy: {
    requestSchema: s3DestinationRequestSchema,
    answerSchema: s3DestinationSchema,
    decode(request: S3DestinationRequest, stored) {
      const before = isS3(stored) ? stored : undefined
      const secretAccessKey = keptSecret(request.authSecret, before?.secretAccessKey)
      if (secretAccessKey === undefined) return err(missingSecret('authSecret'))
      const pathStyle = request.pathStyle ?? before?.pathStyle
      return ok({
        type: 's3',
        endpoint: request.endpoint ?? '',
        region: request.region ?? '',
        bucket: request.bucket,
        accessKeyId: request.authKey,
        secretAccessKey,
        plainHttp: usesPlainHttp({ endpoint: request.endpoint, plainHttp: request.skipSSL }),
        ...(pathStyle === undefined ? {} : { pathStyle }),
        // What the legacy API cannot say stays.
        ...(before && presentFields({ ...before, credentialsFrom: undefined }, optionNames)),
        ...keptToken(undefined, before, request),
        ...decodeApiTls(request, before?.tls),
      })
    },
    encode: (settings) => ({
      type: 'S3',
      authKey: settings.accessKeyId,
      authSecret: MASKED_SECRET,
      endpoint: settings.endpoint ?? '',
      region: settings.region ?? '',
      bucket: settings.bucket,
      skipSSL: usesPlainHttp(settings),
      ...(settings.pathStyle === undefined ? {} : { pathStyle: settings.pathStyle }),
      ...encodeApiTls(settings.tls),
    }),
  },
  v1: {
    requestSchema: s3StoreSettingsSchema,
    answerSchema: s3StoreSchema,
    decode(request: S3StoreSettings, stored) {
      const before = isS3(stored) ? stored : undefined
      const { credentialsFrom, authKey, kmsKeyId, serverSideEncryption } = request
      if (credentialsFrom !== undefined && (authKey ?? request.authSecret) !== undefined) {
        return err({ field: 'credentialsFrom', problem: 'credentialsFrom takes the place of authKey and authSecret.' })
      }
      if (kmsKeyId !== undefined && serverSideEncryption !== 'aws:kms') {
        return err({ field: 'kmsKeyId', problem: 'kmsKeyId needs serverSideEncryption "aws:kms".' })
      }
      const secretAccessKey = credentialsFrom ? '' : keptSecret(request.authSecret, before?.secretAccessKey)
      if (!credentialsFrom && authKey === undefined) return err(missingSecret('authKey'))
      if (!credentialsFrom && !secretAccessKey) return err(missingSecret('authSecret'))
      return ok({
        type: 's3',
        ...presentFields(request, ['endpoint', 'region', 'pathStyle', ...optionNames]),
        bucket: request.bucket,
        accessKeyId: authKey ?? '',
        secretAccessKey: secretAccessKey ?? '',
        ...(credentialsFrom === undefined && keptToken(request.sessionToken, before, request)),
        ...decodeApiTls(request),
      })
    },
    encode(settings) {
      const { endpoint, region, bucket, accessKeyId, pathStyle, tls } = settings
      // An endpoint without a scheme cannot say in /v1 that it speaks plain http.
      const url =
        endpoint && settings.plainHttp ? (endpointOf(settings)?.href.replace(/\/$/, '') ?? endpoint) : endpoint
      return {
        kind: 's3',
        ...(url ? { endpoint: url } : {}),
        ...(region ? { region } : {}),
        bucket,
        ...(pathStyle === undefined ? {} : { pathStyle }),
        ...(accessKeyId ? { authKey: accessKeyId } : {}),
        authSecretSet: settings.secretAccessKey !== '',
        ...(settings.sessionToken ? { sessionTokenSet: true } : {}),
        ...presentFields(settings, optionNames),
        ...encodeApiTls(tls),
      }
    },
  },
  async load() {
    const { S3Store } = await import('./s3-store.ts')
    const { abortUploads, listUploads } = await import('./incomplete-uploads.ts')
    const { listHiddenVersions } = await import('./object-versions.ts')
    return {
      openStore: (settings, options) => new S3Store(settings, options),
      removeIncompleteUpload: abortUploads,
      listIncompleteUploads: listUploads,
      listHiddenVersions,
    }
  },
} as const satisfies StoreKind<S3Settings>

/** A session token belongs to one key and one secret: with another of them it stays only if it is sent again. */
function keptToken(
  sent: string | undefined,
  stored: S3Settings | undefined,
  { authKey, authSecret }: { authKey?: string | undefined; authSecret?: string | undefined },
): { sessionToken?: string } {
  const isSame = stored?.accessKeyId === authKey && keptSecret(authSecret, undefined) === undefined
  const sessionToken = keptSecret(sent, isSame ? stored?.sessionToken : undefined)
  return sessionToken === undefined ? {} : { sessionToken }
}

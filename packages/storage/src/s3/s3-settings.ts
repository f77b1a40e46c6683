import { z } from 'zod'
import { plainUrl } from '../plain-url.ts'
import { StoreError } from '../store-error.ts'
import { tlsSettingsSchema } from '../tls-settings.ts'

/** An S3 bucket, at AWS or at anything that speaks its protocol. Texts that are empty are absent. */
export const s3SettingsSchema = z.object({
  type: z.literal('s3'),
  /** URL, or `host:port` which then takes its scheme from `plainHttp`. Absent: AWS in `region`. */
  endpoint: z.string().optional(),
  /** Absent: as the endpoint or the server says, else `us-east-1`. */
  region: z.string().optional(),
  bucket: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  /** Of temporary credentials. */
  sessionToken: z.string().optional(),
  /** Where the program finds credentials, in place of the three before. Its operator has to allow it. */
  credentialsFrom: z.enum(['environment', 'instanceProfile', 'webIdentity']).optional(),
  storageClass: z.string().optional(),
  serverSideEncryption: z.enum(['AES256', 'aws:kms']).optional(),
  kmsKeyId: z.string().optional(),
  /** Removes all versions of an object; otherwise a delete marker hides them in a bucket with versions. */
  deleteVersions: z.boolean().optional(),
  /** Plain http for an endpoint without a scheme. */
  plainHttp: z.boolean().optional(),
  /** The bucket in the path, or as part of the host name (false). Absent: in the path, except at AWS itself. */
  pathStyle: z.boolean().optional(),
  tls: tlsSettingsSchema.optional(),
})
export type S3Settings = z.infer<typeof s3SettingsSchema>

export const DEFAULT_REGION = 'us-east-1'

/** The hosts of vendors that have the region in their name, which is captured. */
const hostsWithRegion = [
  /^(?:.+\.)?s3[.-](?:(?:accesspoint|dualstack|fips)\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/,
  /^(?:.+\.)?s3\.([a-z]{2}-[a-z]+(?:-\d)?)\.(?:wasabisys\.com|scw\.cloud)$/,
  /^(?:.+\.)?s3\.([a-z]{2,4}(?:-[a-z]+)*(?:-?\d)?)\.(?:io\.)?cloud\.ovh\.net$/,
  /^(?:.+\.)?s3\.([a-z]{2}-[a-z]+-\d{3})\.backblazeb2\.com$/,
  /^(?:.+\.)?([a-z]{3}\d)\.digitaloceanspaces\.com$/,
  /^(?:.+\.)?([a-z]{3}\d)\.your-objectstorage\.com$/,
  /^(?:.+\.)?([a-z]{2}-[a-z]+-\d)\.linodeobjects\.com$/,
]

/**
 * The region that is set, or else the one that the host name of the endpoint contains; undefined if neither says it.
 */
export function regionOf({
  region,
  ...address
}: Pick<S3Settings, 'endpoint' | 'plainHttp' | 'region'>): string | undefined {
  if (region?.trim()) return region.trim()
  const host = endpointOf(address)?.hostname ?? ''
  if (/\.r2\.cloudflarestorage\.com$/.test(host)) return 'auto'
  return hostsWithRegion.map((pattern) => pattern.exec(host)?.[1]).find((found) => found !== undefined)
}

/**
 * Whether an endpoint is spoken to without TLS: its scheme decides, and where it has none, `plainHttp`. The Go agent refuses
 * requests in which the two contradict each other.
 */
export function usesPlainHttp({
  endpoint = '',
  plainHttp = false,
}: Pick<S3Settings, 'endpoint' | 'plainHttp'>): boolean {
  const scheme = /^(https?):\/\//i.exec(endpoint.trim())?.[1]?.toLowerCase()
  return scheme === undefined ? plainHttp : scheme === 'http'
}

/**
 * The endpoint as a URL; undefined for AWS itself.
 *
 * @throws {StoreError} With code `misconfigured` if it is not valid.
 */
export function endpointOf(settings: Pick<S3Settings, 'endpoint' | 'plainHttp'>): URL | undefined {
  const text = settings.endpoint?.trim()
  if (!text) return undefined
  const hasScheme = /^https?:\/\//i.test(text)
  const url = hasScheme ? text : `${settings.plainHttp ? 'http' : 'https'}://${text}`
  if (!URL.canParse(url)) {
    throw new StoreError('misconfigured', `The S3 endpoint "${text}" is neither a URL nor host:port.`)
  }
  return new URL(plainUrl(url, 'The S3 endpoint'))
}

/** Where objects are stored, for messages. */
export function locationOf(settings: S3Settings): string {
  return `s3://${settings.bucket} at ${endpointOf(settings)?.origin ?? 'AWS'}`
}

import { z } from 'zod'
import { plainUrl } from '../plain-url.ts'
import { StoreError } from '../store-error.ts'
import { tlsSettingsSchema } from '../tls-settings.ts'

/** An S3 bucket, at AWS or at anything that speaks its protocol. */
export const s3SettingsSchema = z.object({
  type: z.literal('s3'),
  /** URL, or `host:port` which then takes its scheme from `plainHttp`. Absent or empty: AWS in `region`. */
  endpoint: z.string().optional(),
  /** Absent or empty: `us-east-1`. */
  region: z.string().optional(),
  bucket: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  /** Plain http for an endpoint without a scheme. */
  plainHttp: z.boolean().optional(),
  /** The bucket in the path, or as part of the host name (false). Absent: in the path, except at AWS itself. */
  pathStyle: z.boolean().optional(),
  tls: tlsSettingsSchema.optional(),
})
export type S3Settings = z.infer<typeof s3SettingsSchema>

export const DEFAULT_REGION = 'us-east-1'

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

import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { StoreError } from '../store-error.ts'
import { defaultConnectTimeoutMs, defaultIdleTimeoutMs, type StoreOptions } from '../store-options.ts'
import type { S3Settings } from '../store-settings.ts'

const defaultRegion = 'us-east-1'

/** Makes the SDK's client for settings. Does no I/O. */
export function s3Client(settings: S3Settings, options: StoreOptions): S3Client {
  return new S3Client({
    ...configuration(settings),
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
      socketTimeout: options.idleTimeoutMs ?? defaultIdleTimeoutMs,
    },
  })
}

/**
 * As `s3Client`, for reading objects. Its timeout ends with the answer's headers: a socket is also idle while the
 * reader has no use for more, and a restore that builds an index for an hour must not lose its connection for that.
 */
export function s3Reader(settings: S3Settings, options: StoreOptions): S3Client {
  return new S3Client({
    ...configuration(settings),
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
      requestTimeout: options.idleTimeoutMs ?? defaultIdleTimeoutMs,
      throwOnRequestTimeout: true,
    },
  })
}

function configuration(settings: S3Settings): S3ClientConfig {
  const endpoint = endpointOf(settings)
  return {
    region: settings.region || defaultRegion,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    ...(endpoint && { endpoint: endpoint.href, forcePathStyle: true }),
    // Other servers than AWS refuse the chunked bodies that checksums by default bring with them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
  }
}

/** The endpoint as a URL; undefined for AWS itself. */
export function endpointOf(settings: S3Settings): URL | undefined {
  const text = settings.endpoint?.trim()
  if (!text) return undefined
  const hasScheme = /^https?:\/\//i.test(text)
  const url = hasScheme ? text : `${settings.plainHttp ? 'http' : 'https'}://${text}`
  if (!URL.canParse(url)) {
    throw new StoreError('misconfigured', `The S3 endpoint "${text}" is neither a URL nor host:port.`)
  }
  return new URL(url)
}

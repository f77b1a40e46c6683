import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { restrictAddresses } from '../address-rule.ts'
import { trustOf } from '../connection-trust.ts'
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_IDLE_TIMEOUT_MS, type StoreOptions } from '../store-options.ts'
import { BucketRegion } from './bucket-region.ts'
import { limitAnswers, rejectForeignAnswers } from './s3-answer.ts'
import { credentialsOf } from './s3-credentials.ts'
import { nameOf } from './s3-error.ts'
import { endpointOf, type S3Settings } from './s3-settings.ts'
import type { BodyRules } from './signed-body.ts'

const MAXIMUM_SOCKETS = 64

/** The SDK's clients for a bucket. They retry nothing: that is done where it is known how long an outage may last. */
export interface S3Clients {
  /** For everything except the bytes of objects. */
  calls: S3Client
  /** For parts, and for removals of one certain object. */
  parts: S3Client
  /**
   * For reading objects. Its timeout ends with the answer's headers: a socket is also idle while the reader has no use
   * for more, and a restore that builds an index for an hour must not lose its connection for that.
   */
  reader: S3Client
  bodyRules: BodyRules
}

/** Creates the clients. Does no I/O. */
export function s3Clients(settings: S3Settings, options: StoreOptions): S3Clients {
  const connectionTimeout = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS
  const idleTimeoutMs = options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS
  const agents = agentsOf(settings, options)
  const region = new BucketRegion(settings)
  const common = {
    ...configuration(settings),
    region: async () => region.current,
    credentials: credentialsOf(settings, options),
    retryStrategy: onlyForClockSkew,
  }
  const timeouts = { ...agents, connectionTimeout, socketTimeout: idleTimeoutMs }
  const calls = new S3Client({ ...common, requestHandler: timeouts })
  const parts = new S3Client({ ...common, requestHandler: timeouts })
  const reader = new S3Client({
    ...common,
    requestHandler: { ...agents, connectionTimeout, requestTimeout: idleTimeoutMs, throwOnRequestTimeout: true },
  })
  for (const client of [calls, parts, reader]) {
    rejectForeignAnswers(client)
    region.follow(client)
    limitAnswers(client)
  }
  return { calls, parts, reader, bodyRules: { requiresMd5: false } }
}

/** The SDK corrects its clock by the first answer that says that it is wrong; the request is then sent once more. */
const onlyForClockSkew: NonNullable<S3ClientConfig['retryStrategy']> = {
  acquireInitialRetryToken: async () => tokenOf(0),
  async refreshRetryTokenForRetry(token, { error }) {
    if (token.getRetryCount() > 0 || nameOf(error) !== 'RequestTimeTooSkewed') throw new Error('Not retried here')
    return tokenOf(1)
  },
  recordSuccess: () => undefined,
}

const tokenOf = (retries: number) => ({ getRetryCount: () => retries, getRetryDelay: () => 0 })

function agentsOf(settings: S3Settings, { proxy, mayConnectTo, trustedCa }: StoreOptions) {
  const connection = {
    keepAlive: true,
    maxSockets: MAXIMUM_SOCKETS,
    ...(proxy && {
      proxyEnv: { HTTP_PROXY: proxy.httpProxy, HTTPS_PROXY: proxy.httpsProxy, NO_PROXY: proxy.noProxy },
    }),
  }
  return {
    httpAgent: restrictAddresses(new HttpAgent(connection), mayConnectTo),
    httpsAgent: restrictAddresses(
      new HttpsAgent({ ...connection, ...trustOf(settings.tls, { trustedCa }) }),
      mayConnectTo,
    ),
  }
}

function configuration(settings: S3Settings): S3ClientConfig {
  const endpoint = endpointOf(settings)
  return {
    ...(endpoint && { endpoint: endpoint.href }),
    forcePathStyle: settings.pathStyle ?? endpoint !== undefined,
    // Servers other than AWS reject the chunked bodies that default checksums require.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  }
}

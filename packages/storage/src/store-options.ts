import { tmpdir } from 'node:os'
import type { S3CredentialSource } from '@osb-backup/protocol/v1'
import type { AddressRule } from './address-rule.ts'
import { type RetryOptions, retryOf } from './retrying.ts'
import type { BandwidthLimit } from './transfer/bandwidth.ts'

/** Tuning for tests, unusual servers and very large objects. Everything has a default. */
export interface StoreOptions {
  /** How long temporary failures of calls, parts and downloads are retried; false: not at all. Default: 5 minutes. */
  retry?: RetryOptions | false
  /** Time limit for establishing a connection. */
  connectTimeoutMs?: number
  /** Time limit for data or an answer from the server. */
  idleTimeoutMs?: number
  /** S3: size of the first parts of an upload, at least 5 MiB. Later parts are larger. */
  partSizeBytes?: number
  /** S3: maximum number of parts of an upload; 10,000, and 1,000 at some vendors. */
  maximumParts?: number
  /** Swift: size of the first segments; the server's own limit applies too. */
  segmentSizeBytes?: number
  /** Swift: maximum number of segments in a manifest; the server's own limit applies too. */
  maximumSegments?: number
  /**
   * S3 and Swift: the size that an upload must be able to reach. Default: 5 TB. A smaller capacity allows smaller
   * parts.
   */
  capacityBytes?: number
  /** S3 and Swift: parts that are uploaded concurrently; fewer where they would need more than `bufferBytes`. */
  partsInFlight?: number
  /** S3 and Swift: memory for the parts of an upload that are in flight. One more is being filled. */
  bufferBytes?: number
  /**
   * S3 and Swift: directory for parts that are too large for memory (above 32 MiB). Default: the system's temporary
   * directory.
   */
  spoolDirectory?: string
  /** S3 and Swift: objects larger than this are downloaded in ranges of this size. */
  rangeSizeBytes?: number
  /**
   * S3 and Swift: ranges that are in flight or buffered; a download uses this many times `rangeSizeBytes` of memory.
   */
  rangesInFlight?: number
  /** S3 and Swift: names per page of a list. */
  listPageSize?: number
  /** Bandwidth limits for uploads and downloads; share one to limit several stores together. */
  bandwidth?: readonly BandwidthLimit[]
  /** S3 and Swift: proxies, as in HTTP_PROXY, HTTPS_PROXY and NO_PROXY; no others are used. */
  proxy?: ProxyOptions
  /** S3 and Swift: certificates (PEM) that are trusted in addition to those of the system and of the settings. */
  trustedCa?: string | undefined
  /** S3: which places the program may take credentials of its own from; none by default. */
  credentialSources?: readonly S3CredentialSource[]
  /**
   * S3 and Swift: which addresses may be connected to; all by default. It does not apply to what a proxy connects to.
   */
  mayConnectTo?: AddressRule
}

/** URLs of the proxies to use, and the hosts to reach without, as in `NO_PROXY`. */
export interface ProxyOptions {
  httpProxy?: string
  httpsProxy?: string
  noProxy?: string
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000
export const DEFAULT_IDLE_TIMEOUT_MS = 120_000
export const DEFAULT_LIST_PAGE_SIZE = 1000

/** Parts up to this size are buffered in memory. */
export const MEMORY_LIMIT_BYTES = 32 * 1024 * 1024

export const DEFAULT_CAPACITY_BYTES = 5e12

/** How parts of an upload are buffered and sent. */
export function uploadOptionsOf(options: StoreOptions) {
  const { partsInFlight = 3, bufferBytes = 2 * MEMORY_LIMIT_BYTES } = options
  return {
    memoryLimitBytes: MEMORY_LIMIT_BYTES,
    folder: options.spoolDirectory ?? tmpdir(),
    bandwidth: options.bandwidth ?? [],
    inFlight: (partBytes: number) => Math.max(1, Math.min(partsInFlight, Math.floor(bufferBytes / partBytes))),
  }
}
export type Sending = ReturnType<typeof uploadOptionsOf>

/** How the bytes of an object are requested. */
export function downloadOptionsOf(options: StoreOptions) {
  return {
    rangeBytes: options.rangeSizeBytes ?? 4 * 1024 * 1024,
    rangesInFlight: options.rangesInFlight ?? 3,
    bandwidth: options.bandwidth ?? [],
    idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
    retry: retryOf(options.retry),
  }
}

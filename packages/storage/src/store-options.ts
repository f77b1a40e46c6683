import { tmpdir } from 'node:os'
import type { AddressRule } from './address-rule.ts'
import { type RetryOptions, retryOf } from './retrying.ts'
import type { BandwidthLimit } from './transfer/bandwidth.ts'

/** What may be tuned, for tests, odd servers and very large objects. Everything has a default. */
export interface StoreOptions {
  /** How calls, parts and cut downloads that failed for the time being are tried again; false: not at all. */
  retry?: RetryOptions | false
  /** How long connecting may take. */
  connectTimeoutMs?: number
  /** How long the other side may be silent. */
  idleTimeoutMs?: number
  /** S3: size of the first parts of an upload, at least 5 MiB. Parts grow with what was sent before them. */
  partSizeBytes?: number
  /** S3: how many parts an upload may have; 10,000, and 1,000 at some vendors. */
  maximumParts?: number
  /** Swift: size of the first segments; the server's own limit applies too. */
  segmentSizeBytes?: number
  /** Swift: how many segments a manifest may name; the server's own limit applies too. */
  maximumSegments?: number
  /** S3 and Swift: the size that an upload must be able to reach. Default: 5 TB; the less, the smaller are the parts. */
  capacityBytes?: number
  /** S3 and Swift: parts on their way at once; fewer where they are so large that they need more than `bufferBytes`. */
  partsInFlight?: number
  /** S3 and Swift: memory for the parts of an upload that are on their way. One more is being filled. */
  bufferBytes?: number
  /** S3 and Swift: where parts too large for memory (above 32 MiB) wait until they are sent. Default: the temporary folder. */
  spoolDirectory?: string
  /** S3 and Swift: objects larger than this are downloaded in ranges of this size. */
  rangeSizeBytes?: number
  /** S3 and Swift: ranges on their way or waiting to be read at once; so many times `rangeSizeBytes` is a download's memory. */
  rangesInFlight?: number
  /** S3 and Swift: names asked for at once. */
  listPageSize?: number
  /** Limits that every byte passes, up and down; share one to limit several stores together. */
  bandwidth?: readonly BandwidthLimit[]
  /** S3 and Swift: proxies, as in HTTP_PROXY, HTTPS_PROXY and NO_PROXY; none is used unless it is named here. */
  proxy?: ProxyOptions
  /** S3 and Swift: certificates (PEM) that are trusted in addition to those of the system and of the settings. */
  trustedCa?: string | undefined
  /** S3 and Swift: which addresses may be connected to; all where nothing is said. Not asked of what a proxy connects to. */
  mayConnectTo?: AddressRule
}

/** The proxies to use, URLs; and where to go without, as in `NO_PROXY`. */
export interface ProxyOptions {
  httpProxy?: string
  httpsProxy?: string
  noProxy?: string
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000
export const DEFAULT_IDLE_TIMEOUT_MS = 120_000
export const DEFAULT_LIST_PAGE_SIZE = 1000

/** Parts up to this size wait in memory. */
export const MEMORY_LIMIT_BYTES = 32 * 1024 * 1024

export const DEFAULT_CAPACITY_BYTES = 5e12

/** How parts of an upload are kept and sent. */
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

/** How the bytes of an object are asked for. */
export function downloadOptionsOf(options: StoreOptions) {
  return {
    rangeBytes: options.rangeSizeBytes ?? 4 * 1024 * 1024,
    rangesInFlight: options.rangesInFlight ?? 3,
    bandwidth: options.bandwidth ?? [],
    idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
    retry: retryOf(options.retry),
  }
}

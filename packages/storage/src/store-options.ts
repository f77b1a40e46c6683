import type { RetryOptions } from './retrying.ts'

/** What may be tuned, for tests, odd servers and very large objects. Everything has a default. */
export interface StoreOptions {
  /** How calls that failed for the time being are tried again; false: not at all. */
  retry?: RetryOptions | false
  /** How long connecting may take. */
  connectTimeoutMs?: number
  /** How long the other side may be silent. */
  idleTimeoutMs?: number
  /** S3: size of the first parts of an upload, at least 5 MiB. It grows with the number of parts. */
  partSizeBytes?: number
  /** S3: parts on their way at once. */
  partsInFlight?: number
  /** Swift: largest segment; the server's own limit applies too. */
  segmentSizeBytes?: number
  /** S3 and Swift: names asked for at once. */
  listPageSize?: number
}

export const defaultConnectTimeoutMs = 10_000
export const defaultIdleTimeoutMs = 120_000
export const defaultListPageSize = 1000

import type { Compression } from '@osb-backup/core'
import type { ChunkList } from '../chunks/chunk-list.ts'
import type { ExpectedObject, ReadManifest } from '../manifest/object-manifest.ts'
import type { UploadRecorder } from '../object-store.ts'

/** How content is transformed on its way into a store. */
export interface StoreContentOptions {
  compression: Compression
  /** One of `compressionLevels`; absent: the format's default. */
  compressionLevel?: number
  /** The `zstd` program (see `findZstdProgram`); absent: node:zlib, one core. */
  zstdProgram?: string
  /** age recipients (`age1…`); none: not encrypted. */
  recipients: readonly string[]
  /** Whether no object of this name may exist; see `PutOptions`. */
  mustBeNew?: boolean
  /** See `PutOptions`. */
  recorder?: UploadRecorder
  signal?: AbortSignal
  /** Called during the transfer, with totals since the start. */
  onProgress?: (progress: { bytesRead: number; bytesStored: number }) => void
}

/** What `storeContent` stored. Digests are SHA-256 in hex. */
export interface StoredContent {
  name: string
  sizeBytes: number
  sha256: string
  /** The digests of its chunks. */
  chunks: ChunkList
  /** Size and digest of the content before compression and encryption. */
  originalSizeBytes: number
  originalSha256: string
}

/** How content is read back. */
export interface LoadContentOptions {
  compression: Compression
  /** The `zstd` program (see `findZstdProgram`); absent: node:zlib. */
  zstdProgram?: string
  /** age identities (`AGE-SECRET-KEY-1…`); needed if the object is encrypted. */
  identities: readonly string[]
  encrypted: boolean
  /** What the stored object must be; a mismatch is a `ContentError`. */
  expected?: ExpectedObject
  /** The manifest of the object, if its caller has read it; absent: it is read where the root is expected. */
  manifest?: ReadManifest | undefined
  signal?: AbortSignal
  onProgress?: (progress: { bytesRead: number }) => void
}

import type { Duplex, Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Compression } from '@osb-backup/core'
import { zstdDecompressor } from './zstd-decompress.ts'

// Twice the speed of the default of 16 KiB with zstd; the gain ends here.
const chunkSize = 256 * 1024

/** The stream that compresses, none for `none`. Both formats end with a checksum of the content. */
export function compressor(compression: Compression): Transform | undefined {
  switch (compression) {
    case 'none':
      return undefined
    case 'gzip':
      return zlib.createGzip({ chunkSize })
    case 'zstd':
      return zlib.createZstdCompress({
        chunkSize,
        params: {
          [zlib.constants.ZSTD_c_compressionLevel]: 3,
          // Off by default; without it a flipped bit can pass unseen.
          [zlib.constants.ZSTD_c_checksumFlag]: 1,
        },
      })
  }
}

/** The stream that undoes `compressor`. Fails on damage, on an early end, and on bytes after the end. */
export function decompressor(compression: Compression): Duplex | undefined {
  switch (compression) {
    case 'none':
      return undefined
    case 'gzip':
      return zlib.createGunzip({ chunkSize })
    case 'zstd':
      return zstdDecompressor(chunkSize)
  }
}

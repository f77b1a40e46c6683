import type { Duplex } from 'node:stream'
import zlib from 'node:zlib'
import { type Compression, compressionLevels, isCompressionLevel } from '@osb-backup/core'
import { frameDecompressor } from './frame-decompress.ts'
import { programFilter } from './program-filter.ts'

/** How content is compressed and decompressed. */
export interface CompressionOptions {
  /** One of core's `compressionLevels`. */
  level?: number
  /** Path of the `zstd` program; absent: node:zlib, which handles the same format on one core. */
  zstdProgram?: string
}

// With zstd twice as fast as the default of 16 KiB; larger sizes gain nothing.
const CHUNK_SIZE = 256 * 1024

/**
 * Creates a stream that compresses; undefined for `none`. Both formats end with a checksum of the content.
 *
 * @throws {RangeError} If the format has no such level.
 */
export function compressor(compression: Compression, options: CompressionOptions = {}): Duplex | undefined {
  switch (compression) {
    case 'none':
      return undefined
    case 'gzip':
      return zlib.createGzip({ chunkSize: CHUNK_SIZE, level: levelOf(compression, options) })
    case 'zstd':
      return zstdCompressor(levelOf(compression, options), options.zstdProgram)
  }
}

function zstdCompressor(level: number, program: string | undefined): Duplex {
  if (program !== undefined) {
    return programFilter({ path: program, args: ['-q', '-c', '-T0', `-${level}`, '--check'], blamesInput: false })
  }
  return zlib.createZstdCompress({
    chunkSize: CHUNK_SIZE,
    params: {
      [zlib.constants.ZSTD_c_compressionLevel]: level,
      // Off by default; without it a flipped bit can go unnoticed.
      [zlib.constants.ZSTD_c_checksumFlag]: 1,
    },
  })
}

function levelOf(compression: 'gzip' | 'zstd', { level }: CompressionOptions): number {
  const allowed = compressionLevels[compression]
  if (level === undefined) return allowed.default
  if (isCompressionLevel(compression, level)) return level
  throw new RangeError(`${compression} has levels ${allowed.minimum} to ${allowed.maximum}, not ${level}.`)
}

/** Creates a stream that reverses `compressor`. It fails on damage, on truncated input and on bytes after the end. */
export function decompressor(compression: Compression, options: CompressionOptions = {}): Duplex | undefined {
  switch (compression) {
    case 'none':
      return undefined
    case 'gzip':
      return frameDecompressor(() => zlib.createGunzip({ chunkSize: CHUNK_SIZE }))
    case 'zstd':
      return options.zstdProgram === undefined
        ? frameDecompressor(() => zlib.createZstdDecompress({ chunkSize: CHUNK_SIZE }))
        : programFilter({ path: options.zstdProgram, args: ['-q', '-d', '-c'], blamesInput: true })
  }
}

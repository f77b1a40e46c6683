export const compressions = ['none', 'gzip', 'zstd'] as const
export type Compression = (typeof compressions)[number]

/** How hard to compress: what each format allows, and what it does where nothing is said. */
export const compressionLevels = {
  gzip: { minimum: 1, maximum: 9, default: 6 },
  zstd: { minimum: 1, maximum: 19, default: 3 },
} as const satisfies Record<Exclude<Compression, 'none'>, { minimum: number; maximum: number; default: number }>

/** Whether a format has a level. */
export function isCompressionLevel(format: keyof typeof compressionLevels, level: number): boolean {
  const { minimum, maximum } = compressionLevels[format]
  return Number.isInteger(level) && level >= minimum && level <= maximum
}

/** What was done to a stream before it was stored, in this order: compressed, then encrypted (age). */
export interface Transforms {
  compression: Compression
  encrypted: boolean
}

const compressionSuffix = { none: '', gzip: '.gz', zstd: '.zst' } as const satisfies Record<Compression, string>

/** The file extensions of the transforms of an object: `.zst.age`. */
export function transformSuffix(transforms: Transforms): string {
  return compressionSuffix[transforms.compression] + (transforms.encrypted ? '.age' : '')
}

/**
 * Reads the transforms back from the name of an object that `transformSuffix` ended. Names without such endings
 * were stored as they are.
 */
export function transformsOfName(name: string): Transforms {
  const encrypted = name.endsWith('.age')
  const inner = encrypted ? name.slice(0, -'.age'.length) : name
  const compression = inner.endsWith('.zst') ? 'zstd' : inner.endsWith('.gz') ? 'gzip' : 'none'
  return { compression, encrypted }
}

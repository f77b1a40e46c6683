export const compressions = ['none', 'gzip', 'zstd'] as const
export type Compression = (typeof compressions)[number]

/** What was done to a stream before it was stored, in this order: compressed, then encrypted (age). */
export interface Transforms {
  compression: Compression
  encrypted: boolean
}

const compressionSuffix = { none: '', gzip: '.gz', zstd: '.zst' } as const satisfies Record<Compression, string>

/** The endings that tell how an object was transformed: `.zst.age`. */
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

/** The formats that agents compress dumps with. */
export const compressionAlgorithms = ['zstd', 'gzip'] as const
export type CompressionAlgorithm = (typeof compressionAlgorithms)[number]

/** What a key field of the agent's protocol and of the legacy API holds where no key is set. */
export const NO_KEY = 'none'

/** S3 takes no more parts than this in one upload. */
export const maximumParts = 10_000

const partsPerSize = 2000

/**
 * The size of a part. Doubles every 2,000 parts, so that memory stays small for small objects and the 10,000 parts
 * reach far for large ones: from 8 MiB on to 484 GiB, the last parts having 128 MiB.
 *
 * @param partNumber - From 1.
 */
export function partSizeOf(partNumber: number, firstSizeBytes: number): number {
  return firstSizeBytes * 2 ** Math.floor((partNumber - 1) / partsPerSize)
}

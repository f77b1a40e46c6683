const MEBIBYTE = 1024 * 1024

/** Limits of the parts of an upload of unknown length. Sizes are in bytes. */
export interface PartLimits {
  /** Size of the first part. */
  firstBytes: number
  /** Maximum number of parts of an upload. */
  maximumParts: number
  /** Largest part that the server accepts. */
  largestBytes: number
  /** What all parts together must be able to hold. */
  capacityBytes: number
}

/** Returns the size of a part by its number, from 1. */
export type PartPlan = (partNumber: number) => number

/**
 * Plans the sizes of parts: each is larger than the one before by the same factor, the smallest one with which the
 * parts hold all of the capacity. So parts are small at first, and memory stays small for small uploads. If even the
 * largest parts do not hold the capacity, all have the largest size.
 */
export function partPlan(limits: PartLimits): PartPlan {
  const { maximumParts, largestBytes, capacityBytes } = limits
  const firstBytes = Math.min(limits.firstBytes, largestBytes)
  const sizesUnder = (factor: number) => (partNumber: number) =>
    Math.min(largestBytes, wholeMebibytes(firstBytes * factor ** (partNumber - 1), firstBytes))
  const holds = (factor: number) => {
    const sizeOf = sizesUnder(factor)
    let totalBytes = 0
    for (let number = 1; number <= maximumParts && totalBytes < capacityBytes; number++) totalBytes += sizeOf(number)
    return totalBytes >= capacityBytes
  }
  if (holds(1)) return sizesUnder(1)
  let low = 1
  let high = Math.max(largestBytes / firstBytes, 1)
  if (!holds(high)) return () => largestBytes
  for (let step = 0; step < 60 && high - low > 1e-9; step++) {
    const middle = (low + high) / 2
    if (holds(middle)) high = middle
    else low = middle
  }
  return sizesUnder(high)
}

/** Rounds up, so that buffers can be reused for the next part; the first size is not changed. */
function wholeMebibytes(bytes: number, firstBytes: number): number {
  return bytes <= firstBytes ? firstBytes : Math.ceil(bytes / MEBIBYTE) * MEBIBYTE
}

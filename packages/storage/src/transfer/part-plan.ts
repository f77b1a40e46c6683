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
 * Plans the sizes of parts: they double after a fixed number of parts, as many as possible with which the parts hold all of the
 * capacity. So parts are small at first, and memory stays small for small uploads. If parts that double cannot hold the
 * capacity, all have the largest size.
 */
export function partPlan(limits: PartLimits): PartPlan {
  const { maximumParts, largestBytes, capacityBytes } = limits
  const firstBytes = Math.min(limits.firstBytes, largestBytes)
  const sizeOfBand = (band: number) => Math.min(largestBytes, firstBytes * 2 ** band)
  const holds = (partsInBand: number) => {
    let totalBytes = 0
    let parts = 0
    for (let band = 0; parts < maximumParts; band++) {
      const isLast = sizeOfBand(band) === largestBytes
      const count = isLast ? maximumParts - parts : Math.min(partsInBand, maximumParts - parts)
      totalBytes += count * sizeOfBand(band)
      parts += count
    }
    return totalBytes >= capacityBytes
  }
  if (!holds(1)) return () => largestBytes
  let [holding, tooMany] = [1, maximumParts + 1]
  while (tooMany - holding > 1) {
    const middle = Math.floor((holding + tooMany) / 2)
    if (holds(middle)) holding = middle
    else tooMany = middle
  }
  return (partNumber) => sizeOfBand(Math.floor((partNumber - 1) / holding))
}

/** What is known of a dump's size. */
export interface DumpSize {
  /** Before compression and encryption; old agents do not report it. */
  originalSizeBytes: number | undefined
  /** Of the stored object. */
  sizeBytes: number
  compression: string
  encrypted: boolean
}

/** A dump of the same item that was recorded before. */
export interface EarlierDump extends DumpSize {
  /** Its size was found suspicious, and it was not confirmed. */
  suspicious: boolean
}

/** What its size says of a dump. */
export type SizeJudgement<D extends EarlierDump> =
  /** `confirms` was suspicious, and is as small: both are right. */
  | { suspicious: false; confirms: D | undefined }
  /** It falls short of this median. */
  | { suspicious: true; usualSizeBytes: number }

/** How many earlier dumps say what is usual. */
const DUMPS_COMPARED = 5
/** Two sizes are similar if the larger is at most this many times the smaller. */
const SIMILAR_FACTOR = 2

/**
 * Judges whether a dump is so much smaller than those before it that it may be no backup: below a part of the median of the
 * last five unsuspicious ones. One that is similar to the dump before it is not suspicious: databases are emptied on purpose,
 * too, and what was suspicious twice is right.
 *
 * Original sizes are compared; where they are not known, stored sizes of the same compression and encryption.
 *
 * @param earlier - Good dumps of the item, newest first.
 * @param least - The part of the median below which a dump is suspicious: 0.1 for a tenth; 0 suspects none.
 */
export function judgeDumpSize<D extends EarlierDump>(
  dump: DumpSize,
  earlier: readonly D[],
  least: number,
): SizeJudgement<D> {
  const isStoredAlike = (each: DumpSize) => each.compression === dump.compression && each.encrypted === dump.encrypted
  const measures = [
    (each: DumpSize) => each.originalSizeBytes,
    (each: DumpSize) => (isStoredAlike(each) ? each.sizeBytes : undefined),
  ]
  for (const sizeOf of measures) {
    const size = sizeOf(dump)
    const measured = earlier.filter((each) => sizeOf(each) !== undefined)
    const usual = measured.filter((each) => !each.suspicious).slice(0, DUMPS_COMPARED)
    if (size === undefined || usual.length === 0) continue
    const usualSizeBytes = median(usual.map((each) => sizeOf(each) ?? 0))
    if (size >= least * usualSizeBytes) break
    const [previous] = measured
    if (previous === undefined || !isSimilar(size, sizeOf(previous) ?? 0)) return { suspicious: true, usualSizeBytes }
    return { suspicious: false, confirms: previous.suspicious ? previous : undefined }
  }
  return { suspicious: false, confirms: undefined }
}

const isSimilar = (one: number, other: number) => Math.max(one, other) <= SIMILAR_FACTOR * Math.min(one, other)

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const half = sorted.length / 2
  const [lower = 0, upper = 0] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]]
  return (lower + upper) / 2
}

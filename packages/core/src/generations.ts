import { wallTime } from './zoned-time.ts'

/** The periods of which the newest restore points are kept, from the shortest to the longest. */
export const generationKinds = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export type GenerationKind = (typeof generationKinds)[number]

/** Grandfather-father-son retention: the newest restore point of each hour, day, week, month and year, for a number of each. */
export interface Generations extends Partial<Record<GenerationKind, number | undefined>> {
  /** The newest ones, whenever they were taken. */
  last?: number | undefined
  /** What is older goes all the same; measured from the newest good restore point. */
  maxAgeDays?: number | undefined
}

const DAY_MS = 86_400_000

/**
 * The period that an instant belongs to, by the clocks of a zone: its hour, day, week (from Monday), month or year. An hour that
 * clocks show twice is two hours.
 */
function periodOf(kind: GenerationKind, instant: Date, timezone: string): string {
  const wall = wallTime(instant, timezone)
  const iso = wall.toISOString()
  const date = iso.slice(0, iso.indexOf('T'))
  switch (kind) {
    case 'hourly':
      return `${iso.slice(0, iso.indexOf(':'))} ${wall.getTime() - instant.getTime()}`
    case 'daily':
      return date
    case 'weekly':
      return mondayOf(wall)
    case 'monthly':
      return date.slice(0, -3)
    case 'yearly':
      return date.slice(0, -6)
  }
}

/** The day on which the week began. */
function mondayOf(wall: Date): string {
  const daysSinceMonday = (wall.getUTCDay() + 6) % 7
  return new Date(wall.getTime() - daysSinceMonday * DAY_MS).toISOString().slice(0, -'T00:00:00.000Z'.length)
}

/** Counts the restore points that generations keep, from the newest on. */
export class GenerationCount {
  readonly #generations: Generations
  readonly #timezone: string
  readonly #seen = new Map<GenerationKind, Set<string>>(generationKinds.map((kind) => [kind, new Set()]))
  #last = 0

  constructor(generations: Generations, timezone: string) {
    this.#generations = generations
    this.#timezone = timezone
  }

  /**
   * What the next older restore point is kept as.
   *
   * @param counts - Whether it takes the place of another one.
   */
  next(takenAt: Date, counts: boolean): ('last' | GenerationKind)[] {
    const kept: ('last' | GenerationKind)[] = []
    if (this.#last < (this.#generations.last ?? 0)) {
      kept.push('last')
      if (counts) this.#last++
    }
    for (const [kind, seen] of this.#seen) {
      const wanted = this.#generations[kind] ?? 0
      if (seen.size >= wanted) continue
      const period = periodOf(kind, takenAt, this.#timezone)
      if (seen.has(period)) continue
      kept.push(kind)
      if (counts) seen.add(period)
    }
    return kept
  }
}

/** Whether generations may delete what others keep. */
export function areGenerationsShorter(generations: Generations, before: Generations): boolean {
  const counts = ['last', ...generationKinds] as const
  if (counts.some((kind) => (generations[kind] ?? 0) < (before[kind] ?? 0))) return true
  return (generations.maxAgeDays ?? Number.POSITIVE_INFINITY) < (before.maxAgeDays ?? Number.POSITIVE_INFINITY)
}

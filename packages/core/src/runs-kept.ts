import { expiredPoints, type Retention } from './retention.ts'

/**
 * Which runs of a plan still have their restore points when the last of them has run, if every one succeeds: what a retention
 * means, shown before anything is deleted by it.
 *
 * @param runs - Oldest first.
 */
export function runsKept(runs: readonly Date[], retention: Retention): Date[] {
  const points = runs.map((takenAt, index) => ({
    ...{ id: String(index), item: '', sequence: index, takenAt },
    ...{ held: false, good: true, missing: false, suspicious: false },
  }))
  const expired = new Set(expiredPoints(points, retention, runs.at(-1) ?? new Date(0)).map(({ takenAt }) => takenAt))
  return runs.filter((run) => !expired.has(run))
}

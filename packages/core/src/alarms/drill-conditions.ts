import { durationInWords } from '../duration-in-words.ts'
import type { Condition } from './alarm.ts'
import type { AlarmFacts, ItemFacts } from './alarm-facts.ts'
import { itemOf } from './item-object.ts'

const DAY_MS = 86_400_000

/** What is wrong with what drills found out about an item that they cover. */
export function drillConditions(
  { instanceId, item, drill }: ItemFacts,
  { now, provenMaxAgeDays }: Pick<AlarmFacts, 'now' | 'provenMaxAgeDays'>,
): Condition[] {
  if (drill === undefined) return []
  const about = { object: itemOf(instanceId, item), instanceId, planId: undefined, level: 'bad' } as const
  const found: Condition[] = []
  const { coveredSince, provenAt, failure } = drill
  if (failure !== undefined) {
    found.push({
      ...about,
      kind: 'drill-failed',
      severity: 'critical',
      sentence: `The drill ${failure.jobId} of ${failure.at.toISOString()} could not prove that ${item} of ${instanceId} can be restored: ${failure.reason}`,
      advice: 'Read the drill and the log of its restore job, correct the cause, and run the drill again.',
    })
  }
  // What was proven long before drills covered the item gives them as much time as nothing at all.
  const since = provenAt !== undefined && provenAt > coveredSince ? provenAt : coveredSince
  const ageMs = now.getTime() - since.getTime()
  if (ageMs > provenMaxAgeDays * DAY_MS) {
    const proven = provenAt === undefined ? 'was never proven' : 'has not been proven'
    const age = durationInWords(ageMs / 1000)
    found.push({
      ...about,
      kind: 'not-proven',
      severity: 'warning',
      sentence: `That ${item} of ${instanceId} can be restored ${proven} for ${age}; at most ${provenMaxAgeDays} days are wanted.`,
      advice: 'Run the drill of its plan, and read why the last ones failed or did not run.',
    })
  }
  return found
}

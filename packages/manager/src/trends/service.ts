import { growthPerDay, reachedAt } from '@osb-backup/core'
import { authorizeInstance, type Call } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { type DumpDay, dumpDays, type StoredDays, storedDays } from './repository.ts'

const DAY_MS = 86_400_000

/** How the backups of one item developed. */
export interface ItemTrend {
  name: string
  days: DumpDay[]
  growthBytesPerDay: number | undefined
  durationGrowthSecondsPerDay: number | undefined
}

/** How what is stored in a destination developed. */
export interface DestinationTrend extends Omit<StoredDays, 'changes'> {
  growthBytesPerDay: number | undefined
  fullAt: Date | undefined
}

/**
 * How the backups of an instance developed.
 *
 * @param days - How many days back.
 * @throws {RequestError} If the caller was not granted the instance.
 */
export async function readTrend(
  context: Pick<Context, 'database'>,
  call: Call,
  { instanceId, item, days }: { instanceId: string; item: string | undefined; days: number },
): Promise<{ items: ItemTrend[]; destinations: DestinationTrend[] }> {
  await authorizeInstance(call, instanceId)
  const now = await readClock(context)
  const search = { instanceId, item, since: new Date(now.getTime() - days * DAY_MS) }
  const byItem = Map.groupBy(await dumpDays(context, search), (each) => each.item)
  const stored = await storedDays(context, search)
  return {
    items: [...byItem].map(([name, dumps]) => itemTrend(name, dumps)),
    destinations: stored.map((each) => destinationTrend(each, now)),
  }
}

const startOf = (day: string) => new Date(`${day}T00:00:00Z`)

function itemTrend(name: string, days: DumpDay[]): ItemTrend {
  const sizes = days.map(({ day, originalBytes }) => ({ at: startOf(day), value: originalBytes }))
  const durations = days.flatMap(({ day, durationSeconds: value }) =>
    value === undefined ? [] : [{ at: startOf(day), value }],
  )
  return {
    name,
    days,
    growthBytesPerDay: growthPerDay(sizes),
    durationGrowthSecondsPerDay: growthPerDay(durations),
  }
}

function destinationTrend({ changes, ...stored }: StoredDays, now: Date): DestinationTrend {
  // Backwards from what is stored now, since what was stored before the first day is not known.
  let value = stored.storedBytes
  const samples = changes.toReversed().map(({ day, bytes }) => {
    const sample = { at: startOf(day), value }
    value -= bytes
    return sample
  })
  const perDay = growthPerDay(samples)
  const limit = stored.quotaBytes
  const fullAt = limit === undefined ? undefined : reachedAt({ value: stored.storedBytes, perDay, limit }, now)
  return { ...stored, growthBytesPerDay: perDay, fullAt }
}

import {
  type DayLevel,
  earliestProof,
  growthPerDay,
  levelsByDay,
  type Protection,
  type ProtectionState,
  type ProvenItem,
} from '@osb-backup/core'
import type { Grants } from '../access/caller.ts'
import { countAgents } from '../agents/repository.ts'
import { type ClockState, readClockState } from '../clock/service.ts'
import type { Context } from '../context/context.ts'
import { countDestinations } from '../destinations/checks-repository.ts'
import { type LockedDatabase, searchLockedDatabases } from '../jobs/locks-repository.ts'
import { countJobs, type JobCounts } from '../jobs/search-repository.ts'
import { type NextRun, searchNextRuns } from '../plans/search-repository.ts'
import { judgeAllInstances, provenItem } from '../protection/service.ts'
import { sumPoints } from '../restore-points/counters-repository.ts'
import { readStoredBytes } from '../restore-points/stored-bytes-repository.ts'

const DAY_MS = 86_400_000
const MAX_ATTENTION = 50
const MAX_NEXT_RUNS = 10
/** How far back the size of what is stored is shown. */
const STORAGE_DAYS = 30
const worstFirst: readonly ProtectionState[] = ['unprotected', 'at-risk', 'unknown']

/** An item that is not protected; without a name an instance that no plan covers. */
export interface Attention {
  instanceId: string
  item: string | undefined
  planIds: string[]
  protection: Protection
}

/** What a caller may see, in numbers. */
export interface Overview {
  instances: Record<ProtectionState | 'total', number>
  jobs: JobCounts
  restorePoints: { total: number; sizeBytes: number }
  /** How that size developed, and by how much it grows. */
  storage: { days: DayLevel[]; growthBytesPerDay: number | undefined }
  agents: { reachable: number; unreachable: number; unknown: number }
  destinations: { reachable: number; unreachable: number; unknown: number }
  /** The items that drills cover, those of them that were proven lately enough, and the earliest proof of all. */
  drills: { items: number; proven: number; earliestProofAt: Date | undefined }
  /** First those whose unlock fails, the longest locked first. */
  lockedDatabases: LockedDatabase[]
  /** Soonest first. */
  nextRuns: NextRun[]
  /** Worst first. */
  attention: Attention[]
  /** PostgreSQL's clock was set: nothing is deleted by age until that is confirmed. */
  clockJump: ClockState['jump']
  at: Date
}

/** Counts what a caller was granted. */
export async function readOverview(context: Context, scope: Grants): Promise<Overview> {
  const { now: at, jump: clockJump } = await readClockState(context)
  // PostgreSQL counts while the protection of the instances is judged here.
  const [judged, counted] = await Promise.all([judgeInstances(context, scope, at), count(context, scope, at)])
  return { ...judged, ...counted, clockJump, at }
}

/** The protection of all instances. */
async function judgeInstances(
  context: Context,
  scope: Grants,
  at: Date,
): Promise<Pick<Overview, 'instances' | 'attention' | 'drills'>> {
  const instances = { total: 0, protected: 0, 'at-risk': 0, unprotected: 0, unknown: 0, exempt: 0 }
  const attention: Attention[] = []
  const drilled: ProvenItem[] = []
  const provenSince = new Date(at.getTime() - context.settings.provenMaxAgeDays * DAY_MS)
  for await (const { instanceId, items, protection } of judgeAllInstances(context, scope)) {
    instances.total++
    instances[protection.state]++
    drilled.push(...items.map(provenItem).filter(({ coveredSince }) => coveredSince !== undefined))
    if (items.length === 0 && protection.state !== 'exempt')
      attention.push({ instanceId, item: undefined, planIds: [], protection })
    for (const { name: item, planIds, protection } of items) {
      if (worstFirst.includes(protection.state)) attention.push({ instanceId, item, planIds, protection })
    }
  }
  const rankOf = (each: Attention) => worstFirst.indexOf(each.protection.state)
  return {
    instances,
    drills: {
      items: drilled.length,
      proven: drilled.filter(({ provenAt }) => provenAt !== undefined && provenAt >= provenSince).length,
      earliestProofAt: earliestProof(drilled),
    },
    attention: attention.sort((one, other) => rankOf(one) - rankOf(other)).slice(0, MAX_ATTENTION),
  }
}

/** Everything else, one query after the other: an overview is not to take more connections than that. */
async function count(context: Context, scope: Grants, at: Date) {
  return {
    jobs: await countJobs(context, scope, new Date(at.getTime() - DAY_MS)),
    restorePoints: await sumPoints(context, scope),
    storage: await readStorage(context, scope, at),
    agents: await countAgents(context, scope),
    destinations: await countDestinations(context, scope),
    nextRuns: await searchNextRuns(context, scope, MAX_NEXT_RUNS),
    lockedDatabases: await searchLockedDatabases(context, scope, MAX_ATTENTION),
  }
}

async function readStorage(
  context: Pick<Context, 'database' | 'settings'>,
  scope: Grants,
  now: Date,
): Promise<Overview['storage']> {
  // What changed earlier was deleted.
  const days = Math.min(STORAGE_DAYS, context.settings.runHistoryDays)
  const since = new Date(now.getTime() - (days - 1) * DAY_MS).toISOString().slice(0, 10)
  const { current, changes } = await readStoredBytes(context, scope, since)
  const levels = levelsByDay(current, changes, { now, days })
  const samples = levels.map(({ day, value }) => ({ at: new Date(`${day}T00:00:00Z`), value }))
  return { days: levels, growthBytesPerDay: growthPerDay(samples) }
}

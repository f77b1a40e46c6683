import type { Call } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { FileDestination } from '../destinations/destination.ts'
import { destinationsById } from '../destinations/service.ts'
import { getInstance } from '../instances/service.ts'
import type { DrillJob } from '../jobs/job.ts'
import { searchJobs } from '../jobs/service.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { plansOfInstance } from '../plans/repository.ts'
import { judgeInstances, type ProtectedInstance } from '../protection/service.ts'
import { invariant } from '../shared/invariant.ts'
import { type BackupCounts, countBackups } from './repository.ts'

const DAY_MS = 86_400_000
const MAX_DRILLS = 500

/** What an auditor reads about an instance. */
export interface InstanceReport {
  createdAt: Date
  /** From when on jobs are covered. */
  since: Date
  judged: ProtectedInstance
  plans: { plan: BackupPlan; destination: FileDestination | undefined }[]
  backups: BackupCounts
  /** Newest first. */
  drills: DrillJob[]
}

/** Reports how an instance is backed up, and what drills have proven about it. */
export async function reportInstance(
  context: Context,
  call: Call,
  instanceId: string,
  days: number,
): Promise<InstanceReport> {
  const instance = await getInstance(context, call, instanceId)
  const createdAt = await readClock(context)
  const since = new Date(createdAt.getTime() - days * DAY_MS)
  const [judged] = await judgeInstances(context, [instance])
  invariant(judged, 'one instance is judged')
  const plans = await plansOfInstance(context, instanceId)
  const destinations = await destinationsById(
    context,
    plans.map(({ destinationId }) => destinationId),
  )
  const { entries } = await searchJobs(
    context,
    call,
    { instanceId, kind: 'drill', since },
    { limit: MAX_DRILLS, after: undefined },
  )
  return {
    createdAt,
    since,
    judged,
    plans: plans.map((plan) => ({ plan, destination: destinations.get(plan.destinationId) })),
    backups: await countBackups(context, instanceId, since),
    drills: entries.filter((job) => job.kind === 'drill'),
  }
}

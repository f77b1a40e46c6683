import {
  type AgentFacts,
  type DestinationFacts,
  defaultRpoSeconds,
  earliestProof,
  type ProtectionState,
  type ProvenItem,
} from '@osb-backup/core'
import { agentFacts, destinationFacts } from '../alarms/facts-repository.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { countNotifications } from '../notifications/outbox-repository.ts'
import { judgeAllInstances, provenItem } from '../protection/service.ts'
import { sumPoints } from '../restore-points/counters-repository.ts'
import { compactMeasurementChanges, type Measurements, readMeasurements } from './measurements-repository.ts'
import * as repository from './scrape-repository.ts'

/** Everything that `/metrics` shows, except what a manager measures of itself. */
export interface MetricFacts extends repository.InstallationNumbers {
  alarms: repository.Count<'kind' | 'severity'>[]
  openJobs: repository.Count<'kind' | 'state'>[]
  agents: AgentFacts[]
  destinations: DestinationFacts[]
  instances: Record<ProtectionState, number>
  restorePoints: { total: number; sizeBytes: number }
  measurements: Map<string, Measurements>
  planMetrics: PlanMetrics[]
  notifications: { pending: number; failing: number }
  pingSeconds: number
}

/** What metrics say of one plan. */
export interface PlanMetrics extends repository.PlanNumbers {
  intervalSeconds: number | undefined
  effectiveRpoSeconds: number | undefined
  isProtected: boolean | undefined
  /** The earliest of the last proofs of its items; undefined: one was never proven, or it has no drills. */
  provenAt: Date | undefined
}

type MetricsContext = Pick<Context, 'database' | 'settings'>

/** Gathers it from the database, so that every manager answers the same. */
export async function gatherMetrics(context: MetricsContext): Promise<MetricFacts> {
  const instances = { protected: 0, 'at-risk': 0, unprotected: 0, unknown: 0, exempt: 0 }
  const unprotectedPlans = new Set<string>()
  const drilledItems = new Map<string, ProvenItem[]>()
  for await (const { items, protection } of judgeAllInstances(context, 'all')) {
    instances[protection.state]++
    for (const item of items) {
      for (const planId of item.drilledBy) {
        drilledItems.set(planId, [...(drilledItems.get(planId) ?? []), provenItem(item)])
      }
      if (item.protection.state === 'protected' || item.protection.state === 'exempt') continue
      for (const planId of item.planIds) unprotectedPlans.add(planId)
    }
  }
  const plans = await repository.planNumbers(context, context.settings.metricsMaxObjects)
  return {
    ...(await repository.installationNumbers(context)),
    alarms: await repository.openAlarms(context),
    openJobs: await repository.openJobs(context),
    agents: await agentFacts(context),
    destinations: await destinationFacts(context),
    instances,
    restorePoints: await sumPoints(context, 'all'),
    measurements: await readMeasurements(context),
    planMetrics: withObjectives(plans, unprotectedPlans, await readClock(context)).map((plan) => ({
      ...plan,
      provenAt: earliestProof(drilledItems.get(plan.id) ?? []),
    })),
    notifications: await countNotifications(context),
    pingSeconds: await repository.pingSeconds(context),
  }
}

/** Many plans have the same schedule, and its intervals are not computed twice. */
function withObjectives(
  plans: readonly repository.PlanNumbers[],
  unprotected: ReadonlySet<string>,
  now: Date,
): Omit<PlanMetrics, 'provenAt'>[] {
  const known = new Map<string, number | undefined>()
  return plans.map((plan) => {
    const { frequency, timezone } = plan
    const name = `${timezone} ${frequency}`
    if (!known.has(name)) known.set(name, defaultRpoSeconds({ frequency, timezone }, now))
    const rpoSeconds = known.get(name)
    return {
      ...plan,
      intervalSeconds: rpoSeconds === undefined ? undefined : rpoSeconds / 2,
      effectiveRpoSeconds: plan.rpoSeconds ?? rpoSeconds,
      isProtected: !unprotected.has(plan.id),
    }
  })
}

/** Compacts what was measured. Returns whether there may be more to compact. */
export function compactMeasurements(context: Pick<Context, 'database'>): Promise<boolean> {
  return compactMeasurementChanges(context)
}

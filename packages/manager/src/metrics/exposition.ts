import { VERSION } from '@osb-backup/node'
import { alarmSeverities } from '@osb-backup/protocol'
import { Counter, Gauge, type Metric, Registry } from 'prom-client'
import { PREFIX } from '../shared/process-metrics.ts'
import type { Measured, Measurements } from './measurements-repository.ts'
import type { MetricFacts, PlanMetrics } from './service.ts'

type Labels = Record<string, string>

/** The text that Prometheus reads: a registry that is filled anew for each scrape, so that no series outlives its object. */
export async function expositionOf(facts: MetricFacts, maxObjects: number): Promise<string> {
  const registry = new Registry()
  addInstallation(registry, facts)
  addJobs(registry, facts)
  addObjects(registry, facts, maxObjects)
  addPlans(registry, facts.planMetrics)
  return registry.metrics()
}

interface Series {
  labels?: Labels
  value: number
}

function gauge(registry: Registry, name: string, help: string, series: readonly Series[]): void {
  const labelNames = [...new Set(series.flatMap(({ labels = {} }) => Object.keys(labels)))]
  const metric = new Gauge({ name: PREFIX + name, help, labelNames, registers: [registry] })
  for (const { labels = {}, value } of series) metric.set(labels, value)
}

const secondsOf = (at: Date) => at.getTime() / 1000

function addInstallation(registry: Registry, facts: MetricFacts): void {
  const one = (name: string, help: string, value: number) => gauge(registry, name, help, [{ value }])
  gauge(registry, 'manager_info', 'Version of the manager.', [{ labels: { version: VERSION }, value: 1 }])
  one('managers', 'Managers that reported within two minutes.', facts.managers)
  one('plans', 'Backup plans.', facts.plans)
  one('restore_points', 'Restore points whose object is stored.', facts.restorePoints.total)
  one('restore_points_bytes', 'Total size of the stored objects.', facts.restorePoints.sizeBytes)
  one('removals_pending', 'Objects that are being removed.', facts.removalsPending)
  one('removals_failing', 'Objects whose removal failed at least once.', facts.removalsFailing)
  one('databases_locked', 'Databases that jobs have locked.', facts.databasesLocked)
  one('notifications_pending', 'Notifications that are not delivered yet.', facts.notifications.pending)
  one(
    'notifications_failing',
    'Notifications whose delivery failed and is tried again, or was given up within two days.',
    facts.notifications.failing,
  )
  one('database_size_bytes', 'Size of the database of the manager.', facts.databaseBytes)
  one('database_ping_seconds', 'Time that the database took to answer this scrape.', facts.pingSeconds)
  gauge(
    registry,
    'instances',
    'Service instances by protection.',
    Object.entries(facts.instances).map(([protection, value]) => ({ labels: { protection }, value })),
  )
  gauge(
    registry,
    'alarms',
    'Open alarms by kind and severity.',
    // Zero where there is none, so that a rule that compares it never lacks a series.
    withZeros(
      facts.alarms.map(({ labels, count: value }) => ({ labels, value })),
      alarmSeverities.map((severity) => ({ kind: 'any', severity })),
    ),
  )
}

function withZeros(series: readonly Series[], labels: readonly Labels[]): Series[] {
  return [...series, ...labels.map((each) => ({ labels: each, value: 0 }))]
}

function addJobs(registry: Registry, facts: MetricFacts): void {
  gauge(
    registry,
    'jobs_open',
    'Jobs that have not ended, by kind and state.',
    facts.openJobs.map(({ labels, count: value }) => ({ labels, value })),
  )
  const { longestWaitSeconds, scheduleLagSeconds, measurements } = facts
  gauge(registry, 'job_longest_wait_seconds', 'How long the first waiting job has waited.', [
    { value: longestWaitSeconds },
  ])
  gauge(registry, 'schedule_lag_seconds', 'How late the run is that is due the longest.', [
    { value: scheduleLagSeconds },
  ])
  const durations = measurements.get('job_duration_seconds')
  const ended = new Counter({
    name: `${PREFIX}jobs_ended_total`,
    help: 'Jobs that ended, by kind and result.',
    labelNames: ['kind', 'result'],
    registers: [registry],
  })
  for (const { kind, result, buckets } of durations?.measured ?? []) ended.inc({ kind, result }, sum(buckets))
  storedHistogram(registry, 'job_duration_seconds', 'How long jobs ran, by kind and result.', durations)
  storedHistogram(registry, 'dump_bytes', 'Sizes of stored dumps.', measurements.get('dump_bytes'))
}

const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0)

/** Adds a histogram whose values are stored, instead of being observed by this process. */
function storedHistogram(registry: Registry, title: string, help: string, stored: Measurements | undefined): void {
  if (stored === undefined) return
  const name = PREFIX + title
  const values = stored.measured.flatMap((series) => bucketsOf(name, series, stored.limits))
  const metric = { name, help, type: 'histogram', get: async () => ({ name, help, type: 'histogram', values }) }
  registry.registerMetric(metric as unknown as Metric)
}

function bucketsOf(name: string, { kind, result, buckets, sum: total }: Measured, limits: readonly number[]) {
  const labels = { kind, result }
  let below = 0
  const counted = buckets.map((count, index) => {
    below += count
    return { metricName: `${name}_bucket`, labels: { le: limits[index] ?? '+Inf', ...labels }, value: below }
  })
  return [
    ...counted,
    { metricName: `${name}_sum`, labels, value: total },
    { metricName: `${name}_count`, labels, value: below },
  ]
}

function addObjects(registry: Registry, { agents, destinations }: MetricFacts, maxObjects: number): void {
  const stateOf = (isReachable: boolean | undefined) =>
    isReachable === undefined ? 'unknown' : isReachable ? 'reachable' : 'unreachable'
  const states = ['reachable', 'unreachable', 'unknown']
  const byState = (objects: readonly { isReachable: boolean | undefined }[]) =>
    states.map((state) => ({
      labels: { state },
      value: objects.filter(({ isReachable }) => stateOf(isReachable) === state).length,
    }))
  gauge(registry, 'agents', 'Agents that instances use, by state.', byState(agents))
  gauge(registry, 'destinations', 'Destinations by state.', byState(destinations))
  const shownAgents = agents.slice(0, maxObjects)
  const agentLabels = ({ id, name }: (typeof agents)[number]) => ({ agent: id, name })
  gauge(
    registry,
    'agent_up',
    'Whether the agent answered when it was last asked.',
    shownAgents.map((agent) => ({ labels: agentLabels(agent), value: agent.isReachable ? 1 : 0 })),
  )
  gauge(
    registry,
    'agent_last_seen_timestamp_seconds',
    'When the agent last answered.',
    shownAgents.flatMap((agent) =>
      agent.lastSeenAt === undefined ? [] : [{ labels: agentLabels(agent), value: secondsOf(agent.lastSeenAt) }],
    ),
  )
  gauge(
    registry,
    'destination_up',
    'Whether the destination could be used when it was last checked.',
    destinations
      .slice(0, maxObjects)
      .flatMap(({ id, name, instanceId, isReachable }) =>
        isReachable === undefined
          ? []
          : [{ labels: { destination: id, name, instance_id: instanceId }, value: isReachable ? 1 : 0 }],
      ),
  )
}

function addPlans(registry: Registry, plans: readonly PlanMetrics[]): void {
  const add = (name: string, help: string, read: (plan: PlanMetrics) => number | undefined) =>
    gauge(
      registry,
      `plan_${name}`,
      help,
      plans.flatMap((plan) => {
        const value = read(plan)
        const labels = { plan: plan.id, name: plan.name, instance_id: plan.instanceId }
        return value === undefined ? [] : [{ labels, value }]
      }),
    )
  const at = (instant: Date | null) => (instant === null ? undefined : secondsOf(instant))
  add('last_success_timestamp_seconds', 'When the last successful backup ended.', (plan) => at(plan.lastSuccessAt))
  add('last_verified_timestamp_seconds', 'When a restore point was last verified.', (plan) => at(plan.lastVerifiedAt))
  add('last_restored_timestamp_seconds', 'When a restore last succeeded: what it left is proven restorable.', (plan) =>
    at(plan.lastRestoredAt),
  )
  add(
    'last_proven_restorable_timestamp_seconds',
    'The earliest instant at which drills last proved an item of the plan to be restorable.',
    ({ provenAt }) => provenAt && secondsOf(provenAt),
  )
  add('interval_seconds', 'Longest interval of the schedule.', (plan) => plan.intervalSeconds)
  add('rpo_seconds', 'Recovery point objective.', (plan) => plan.effectiveRpoSeconds)
  add('protected', 'Whether every item has a good restore point within the objective.', (plan) =>
    plan.isProtected ? 1 : 0,
  )
  add('paused', 'Whether the plan is paused.', (plan) => (plan.paused ? 1 : 0))
}

import { type Generations, generationKinds, type RetentionStyle } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import type {
  Plan,
  PlanPatch,
  PlanSettings,
  Retention as WireRetention,
  PlanRun as WireRun,
} from '@osb-backup/protocol/v1'
import type { RunAttempt } from '../../jobs/job.ts'
import type { AttemptsOfRuns } from '../../jobs/service.ts'
import { type BackupPlan, DEFAULT_RETRIES } from '../../plans/plan.ts'
import type { PlanRun } from '../../plans/plan-run.ts'
import type { NewPlan } from '../../plans/service.ts'
import { RequestError } from '../../shared/request-error.ts'
import { stateOf } from './job-states.ts'

const styles = { count: 'FILES', hours: 'HOURS', days: 'DAYS', gfs: 'GFS', all: 'ALL' } as const
const wireStyles = { FILES: 'count', HOURS: 'hours', DAYS: 'days', GFS: 'gfs', ALL: 'all' } as const satisfies Record<
  RetentionStyle,
  WireRetention['style']
>

/** A plan as the API answers it. */
export function planToWire(plan: BackupPlan): Plan {
  return {
    id: plan.id,
    instanceId: plan.instanceId,
    ...commonFields(plan),
    encryption: { publicKey: plan.publicKey, privateKeySet: plan.privateKey !== undefined },
    nextDrillAt: plan.nextDrillAt?.toISOString(),
    nextRunAt: plan.nextRunAt?.toISOString(),
    retentionEffectiveAt: plan.retentionCountsFrom?.toISOString(),
    createdAt: plan.createdAt.toISOString(),
  }
}

/** A plan as a client would send it, with its private key. */
export function settingsOfPlan(plan: BackupPlan): PlanSettings {
  const { publicKey, privateKey } = plan
  return { ...commonFields(plan), encryption: { publicKey, privateKey } }
}

function commonFields(plan: BackupPlan) {
  const { algorithm, level } = plan.compressor
  return {
    name: plan.name,
    label: plan.label,
    destinationId: plan.destinationId,
    items: plan.items,
    excludedItems: plan.excludedItems,
    schedule: { cron: plan.frequency, timezone: plan.timezone },
    retention: retentionToWire(plan.retention),
    paused: plan.paused,
    compression: plan.compression ? { algorithm, level } : { algorithm: 'none' as const },
    rpoSeconds: plan.rpoSeconds,
    retries: plan.retries,
    parallelItems: plan.parallelItems,
    drill: plan.drill,
  }
}

/** The settings of a plan as a client sent them. */
export function planFromWire(settings: PlanSettings): Omit<NewPlan, 'instanceId'> {
  const { schedule, compression = { algorithm: 'zstd' }, encryption = {} } = settings
  const { algorithm, level } = compression
  return {
    destinationId: settings.destinationId,
    name: settings.name,
    label: settings.label,
    paused: settings.paused ?? false,
    compression: algorithm !== 'none',
    compressor: algorithm === 'none' ? { algorithm: 'zstd', level: undefined } : { algorithm, level },
    frequency: schedule.cron,
    timezone: schedule.timezone ?? 'UTC',
    retention: retentionFromWire(settings.retention),
    items: settings.items,
    excludedItems: settings.excludedItems ?? [],
    publicKey: encryption.publicKey,
    privateKey: encryption.privateKey,
    rpoSeconds: settings.rpoSeconds,
    retries: settings.retries ?? DEFAULT_RETRIES,
    parallelItems: settings.parallelItems ?? 1,
    drill: settings.drill,
  }
}

/** The fields of the API that say how many of each generation are kept. */
const generationFields = {
  last: 'keepLast',
  hourly: 'keepHourly',
  daily: 'keepDaily',
  weekly: 'keepWeekly',
  monthly: 'keepMonthly',
  yearly: 'keepYearly',
} as const
const countedGenerations = ['last', ...generationKinds] as const

/** A retention as the API answers it. */
export function retentionToWire({ style, period, generations = {} }: BackupPlan['retention']): WireRetention {
  if (style === 'ALL') return { style: 'all' }
  if (style !== 'GFS') return { style: wireStyles[style], period }
  const counts = countedGenerations.flatMap((kind) => {
    const count = generations[kind]
    return count === undefined ? [] : [[generationFields[kind], count]]
  })
  const { maxAgeDays } = generations
  return { style: 'gfs', ...Object.fromEntries(counts), ...omitUndefined({ maxAgeDays }) }
}

/** @throws {RequestError} If what the style requires is missing, or a field belongs to another style. */
export function retentionFromWire(retention: WireRetention): BackupPlan['retention'] {
  const { style, period } = retention
  const generations = generationsFromWire(retention)
  const named = Object.keys(generations).length > 0
  if (style === 'gfs') {
    if (countedGenerations.some((kind) => generations[kind] !== undefined))
      return { style: 'GFS', period: 1, generations }
    const fields = Object.values(generationFields)
    const message = `retention needs at least one of ${fields.slice(0, -1).join(', ')} and ${fields.at(-1)}.`
    throw new RequestError('invalid', message, { field: 'retention.keepDaily' })
  }
  if (named) {
    const message = 'The fields keepLast to keepYearly and maxAgeDays of a retention belong to the style gfs.'
    throw new RequestError('invalid', message, { field: 'retention.style' })
  }
  if (style !== 'all' && period === undefined) {
    const message = `retention.period is required: how many ${style === 'count' ? 'restore points' : style} are kept.`
    throw new RequestError('invalid', message, { field: 'retention.period' })
  }
  return { style: styles[style], period: period ?? 1 }
}

function generationsFromWire(retention: WireRetention): Generations {
  const counts = Object.fromEntries(countedGenerations.map((kind) => [kind, retention[generationFields[kind]]]))
  return omitUndefined({ ...counts, maxAgeDays: retention.maxAgeDays })
}

/**
 * Settings before a merge patch is applied: a retention of another style, or a drill target of another kind, replaces the stored one, whose
 * fields mean nothing to it.
 */
export function beforePatch(settings: PlanSettings, patch: PlanPatch): PlanSettings {
  const { retention, drill } = settings
  const style = patch.retention?.style ?? retention.style
  const target = patch.drill?.target?.kind ?? drill?.target.kind
  return {
    ...settings,
    ...(style === retention.style ? {} : { retention: { style } }),
    ...(drill === undefined || target === drill.target.kind ? {} : { drill: { ...drill, target: {} as never } }),
  }
}

/** What became of a scheduled run, as the API answers it. */
export function planRunToWire(run: PlanRun, { attemptsByFirst, nextByLast }: AttemptsOfRuns): WireRun {
  const attempts = (run.outcome === 'STARTED' && attemptsByFirst.get(run.jobId ?? '')) || []
  const last = attempts.at(-1)
  const nextAttemptAt = last && nextByLast.get(last.jobId)
  const state = last && stateOf(last.status, last.isCancelled)
  return {
    outcome: outcomes[run.outcome],
    dueAt: run.dueAt.toISOString(),
    lastDueAt: run.lastDueAt.toISOString(),
    runCount: run.runs,
    late: run.late,
    jobId: run.jobId,
    state: nextAttemptAt === undefined ? state : 'retrying',
    attempts: attempts.map(attemptToWire),
    nextAttemptAt: nextAttemptAt?.toISOString(),
    reason: run.reason,
    decidedAt: run.decidedAt.toISOString(),
  }
}

const attemptToWire = ({ number, jobId, status, isCancelled, startedAt, endedAt }: RunAttempt) => ({
  number,
  jobId,
  state: stateOf(status, isCancelled),
  createdAt: startedAt.toISOString(),
  endedAt: endedAt?.toISOString(),
})

const outcomes = { STARTED: 'started', SKIPPED: 'skipped', MISSED: 'missed' } as const
export const outcomesFromWire = { started: 'STARTED', skipped: 'SKIPPED', missed: 'MISSED' } as const

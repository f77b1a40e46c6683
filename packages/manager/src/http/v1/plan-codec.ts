import type { RetentionStyle } from '@osb-backup/protocol'
import type { Plan, PlanSettings, Retention as WireRetention, PlanRun as WireRun } from '@osb-backup/protocol/v1'
import type { RunAttempt } from '../../jobs/job.ts'
import type { AttemptsOfRuns } from '../../jobs/service.ts'
import { type BackupPlan, DEFAULT_RETRIES } from '../../plans/plan.ts'
import type { PlanRun } from '../../plans/plan-run.ts'
import type { NewPlan } from '../../plans/service.ts'
import { RequestError } from '../../shared/request-error.ts'
import { stateOf } from './job-codec.ts'

const styles = { count: 'FILES', hours: 'HOURS', days: 'DAYS', all: 'ALL' } as const
const wireStyles = { FILES: 'count', HOURS: 'hours', DAYS: 'days', ALL: 'all' } as const satisfies Record<
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
  }
}

function retentionToWire({ style, period }: BackupPlan['retention']): WireRetention {
  return style === 'ALL' ? { style: 'all' } : { style: wireStyles[style], period }
}

/** @throws {RequestError} If the period is missing. */
export function retentionFromWire({ style, period }: WireRetention): BackupPlan['retention'] {
  if (style !== 'all' && period === undefined) {
    const message = `retention.period is required: how many ${style === 'count' ? 'restore points' : style} are kept.`
    throw new RequestError('invalid', message, { field: 'retention.period' })
  }
  return { style: styles[style], period: period ?? 1 }
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

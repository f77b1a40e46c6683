import type { Plan, PlanPatch, PlanSettings, PlanRun as WireRun } from '@osb-backup/protocol/v1'
import type { RunAttempt } from '../../jobs/job.ts'
import type { AttemptsOfRuns } from '../../jobs/service.ts'
import type { BackupPlan } from '../../plans/plan.ts'
import type { PlanRun } from '../../plans/plan-run.ts'
import { runSettingsFromWire, runSettingsToWire } from '../../plans/run-settings.ts'
import type { NewPlan } from '../../plans/service.ts'
import { stateOf } from './job-states.ts'

/** A plan as the API answers it. */
export function planToWire(plan: BackupPlan): Plan {
  return {
    id: plan.id,
    instanceId: plan.instanceId,
    ...commonFields(plan),
    encryption: { publicKey: plan.publicKey, privateKeySet: plan.privateKey !== undefined },
    managedBy: plan.managedBy,
    mayPause: plan.managedBy === undefined ? undefined : plan.mayPause,
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
  return {
    name: plan.name,
    label: plan.label,
    destinationId: plan.destinationId,
    items: plan.items,
    paused: plan.paused,
    ...runSettingsToWire(plan),
  }
}

/** The settings of a plan as a client sent them. */
export function planFromWire(settings: PlanSettings): Omit<NewPlan, 'instanceId'> {
  return {
    destinationId: settings.destinationId,
    name: settings.name,
    label: settings.label,
    paused: settings.paused ?? false,
    items: settings.items,
    ...runSettingsFromWire(settings),
  }
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

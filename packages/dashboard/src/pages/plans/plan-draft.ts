import type { Plan, PlanCreate, PlanPatch, RetentionStyle } from '@osb-backup/protocol/v1'

/** A plan while it is edited: every field has a value, which may not be one that can be saved. */
export interface PlanDraft {
  instanceId: string
  name: string
  destinationId: string
  items: string[]
  cron: string
  timezone: string
  style: RetentionStyle
  period: number
  compression: Plan['compression']['algorithm']
  retries: number
  parallelItems: number
  paused: boolean
}

/** What a new plan begins with: every night, kept for two weeks. */
export const emptyDraft: PlanDraft = {
  instanceId: '',
  name: '',
  destinationId: '',
  items: [],
  cron: '0 0 2 * * *',
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  style: 'days',
  period: 14,
  compression: 'zstd',
  retries: 2,
  parallelItems: 1,
  paused: false,
}

/** A plan as it is stored. */
export const draftOf = (plan: Plan): PlanDraft => ({
  instanceId: plan.instanceId,
  name: plan.name,
  destinationId: plan.destinationId,
  items: [...plan.items],
  cron: plan.schedule.cron,
  timezone: plan.schedule.timezone ?? 'UTC',
  style: plan.retention.style,
  period: plan.retention.period ?? emptyDraft.period,
  compression: plan.compression.algorithm,
  retries: plan.retries,
  parallelItems: plan.parallelItems,
  paused: plan.paused,
})

/** What of the API's plan the form edits; the level of its compression, its keys and its objective stay as they are. */
export const settingsOf = (draft: PlanDraft) => ({
  name: draft.name,
  destinationId: draft.destinationId,
  items: draft.items,
  schedule: { cron: draft.cron, timezone: draft.timezone },
  retention: { style: draft.style, ...(draft.style === 'all' ? {} : { period: draft.period }) },
  retries: draft.retries,
  parallelItems: draft.parallelItems,
  paused: draft.paused,
})

/** The request that creates a plan. */
export const createRequestOf = (draft: PlanDraft): PlanCreate => ({
  instanceId: draft.instanceId,
  ...settingsOf(draft),
  compression: { algorithm: draft.compression },
})

/** The request that changes a plan: a merge patch, in which `null` removes. */
export function patchOf(draft: PlanDraft, before: PlanDraft): PlanPatch {
  const { retention, ...settings } = settingsOf(draft)
  return {
    ...settings,
    retention: { ...retention, ...(draft.style === 'all' ? { period: null } : {}) },
    // A level of one algorithm means nothing to another.
    ...(draft.compression === before.compression ? {} : { compression: { algorithm: draft.compression, level: null } }),
  } as PlanPatch
}

import type { Plan, PlanCreate, PlanPatch, Retention, RetentionStyle } from '@osb-backup/protocol/v1'

/** The fields of a retention by generations, in the order in which they are shown. */
export const generationFields = [
  'keepLast',
  'keepHourly',
  'keepDaily',
  'keepWeekly',
  'keepMonthly',
  'keepYearly',
  'maxAgeDays',
] as const
type Generations = Pick<Retention, (typeof generationFields)[number]>

/** A retention while it is edited. */
export type RetentionDraft = Pick<PlanDraft, 'style' | 'period' | 'generations'>

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
  generations: Generations
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
  generations: { keepDaily: 7, keepWeekly: 4, keepMonthly: 12 },
  compression: 'zstd',
  retries: 2,
  parallelItems: 1,
  paused: false,
}

/** A retention as it is stored. */
export const retentionDraftOf = (retention: Retention): RetentionDraft => ({
  style: retention.style,
  period: retention.period ?? emptyDraft.period,
  generations: retention.style === 'gfs' ? generationsOf(retention) : emptyDraft.generations,
})

/** A plan as it is stored. */
export const draftOf = (plan: Plan): PlanDraft => ({
  instanceId: plan.instanceId,
  name: plan.name,
  destinationId: plan.destinationId,
  items: [...plan.items],
  cron: plan.schedule.cron,
  timezone: plan.schedule.timezone ?? 'UTC',
  ...retentionDraftOf(plan.retention),
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
  retention: retentionOf(draft),
  retries: draft.retries,
  parallelItems: draft.parallelItems,
  paused: draft.paused,
})

/** A retention as the API has it. */
export function retentionOf({ style, period, generations }: RetentionDraft): Retention {
  if (style === 'gfs') return { style, ...generations }
  return style === 'all' ? { style } : { style, period }
}

const generationsOf = (retention: Retention): Generations =>
  Object.fromEntries(generationFields.flatMap((field) => (retention[field] ? [[field, retention[field]]] : [])))

/** In a merge patch: what is not kept any more. */
const noGenerations = Object.fromEntries(generationFields.map((field) => [field, null]))

/** The request that creates a plan. */
export const createRequestOf = (draft: PlanDraft): PlanCreate => ({
  instanceId: draft.instanceId,
  ...settingsOf(draft),
  compression: { algorithm: draft.compression },
})

/** The merge patch of a retention. */
export const retentionPatchOf = (draft: RetentionDraft) =>
  draft.style === 'gfs' ? { ...noGenerations, ...retentionOf(draft) } : retentionOf(draft)

/** The request that changes a plan: a merge patch, in which `null` removes. */
export function patchOf(draft: PlanDraft, before: PlanDraft): PlanPatch {
  return {
    ...settingsOf(draft),
    retention: retentionPatchOf(draft),
    // A level of one algorithm means nothing to another.
    ...(draft.compression === before.compression ? {} : { compression: { algorithm: draft.compression, level: null } }),
  } as PlanPatch
}

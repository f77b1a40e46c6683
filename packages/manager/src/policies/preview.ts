import { choosePolicy, isSelected } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { activeExemptions } from '../exemptions/repository.ts'
import { type InstanceFacts, listInstanceFacts } from '../floors/repository.ts'
import { type PlanBelowFloor, plansBelowFloors } from '../floors/service.ts'
import { previewTemplate, type TemplatePreview } from '../plan-templates/service.ts'
import type { JudgedPoint } from '../plans/preview.ts'
import { RequestError } from '../shared/request-error.ts'
import { isSameJson } from '../shared/same-json.ts'
import { applicationOf, policyPlanOf } from './enforce.ts'
import { type Policy, toRanked } from './policy.ts'

const BATCH_SIZE = 500
/** How many instances are listed with what would become of them. */
const MAX_LISTED = 200

/** A change of the policies: what one of them is, and what it would be. */
export interface PolicyChange {
  /** All that are stored. */
  policies: readonly Policy[]
  /** Undefined: it is new. */
  before: Policy | undefined
  /** Undefined: it is removed. */
  after: Policy | undefined
}

/** What would become of an instance. */
export interface PreviewedInstance {
  instanceId: string
  effect: 'gains' | 'changes' | 'loses' | 'exempt' | 'none'
  from: Policy | undefined
  to: Policy | undefined
  planId: string | undefined
  changes: string[]
  isRetentionShorter: boolean
  /** Why the policy could not be applied. */
  problem: string | undefined
  restorePoints: JudgedPoint[]
}

/** What a change would do. */
export interface PolicyPreview {
  counts: Record<'selected' | 'gains' | 'changes' | 'loses' | 'exempt', number>
  instances: PreviewedInstance[]
  isTruncated: boolean
  /** Existing plans that would be below the floor. */
  violations: PlanBelowFloor[]
}

/** Computes what a change of policies would do. Nothing is stored or deleted. */
export async function previewChange(context: Context, change: PolicyChange): Promise<PolicyPreview> {
  const preview: PolicyPreview = {
    counts: { selected: 0, gains: 0, changes: 0, loses: 0, exempt: 0 },
    instances: [],
    isTruncated: false,
    violations: [],
  }
  for await (const facts of affectedInstances(context, change)) {
    if (facts.isSelected) preview.counts.selected++
    const effect = roughEffect(facts, change)
    if (effect !== 'none') preview.counts[effect]++
    if (effect === 'none' && !facts.isSelected) continue
    if (preview.instances.length === MAX_LISTED) preview.isTruncated = true
    else preview.instances.push(await previewInstance(context, facts, effect))
  }
  preview.violations = await violationsAfter(context, change)
  return preview
}

/** An instance, and which policies it follows before and after a change. */
interface AffectedInstance {
  facts: InstanceFacts
  /** By the changed policy, before or after. */
  isSelected: boolean
  isExempt: boolean
  from: Policy | undefined
  to: Policy | undefined
}

async function* affectedInstances(
  context: Pick<Context, 'database'>,
  { policies, before, after }: PolicyChange,
): AsyncGenerator<AffectedInstance> {
  const later = [...policies.filter(({ id }) => id !== (before ?? after)?.id), ...(after === undefined ? [] : [after])]
  const exempt = await activeExemptions(context, 'all')
  for await (const facts of allInstances(context)) {
    const selects = [before, after].map((policy) => policy !== undefined && isSelected(facts, policy.selector))
    if (!selects.includes(true) || facts.isLeftAlone) continue
    yield {
      facts,
      isSelected: selects[after === undefined ? 0 : 1] === true,
      isExempt: exempt.has(facts.id),
      from: choosePolicy(policies.map(toRanked), facts),
      to: choosePolicy(later.map(toRanked), facts),
    }
  }
}

/** All registered instances, in batches, between which other requests are served. */
async function* allInstances(context: Pick<Context, 'database'>): AsyncGenerator<InstanceFacts> {
  let batch: InstanceFacts[]
  let after = ''
  do {
    batch = await listInstanceFacts(context, { scope: 'all', after, limit: BATCH_SIZE })
    yield* batch
    after = batch.at(-1)?.id ?? after
  } while (batch.length === BATCH_SIZE)
}

function roughEffect({ isExempt, from, to }: AffectedInstance, { before }: PolicyChange): PreviewedInstance['effect'] {
  if (isExempt) return 'exempt'
  if (to === undefined) return from === undefined ? 'none' : 'loses'
  if (from === undefined) return 'gains'
  if (from.id !== to.id) return 'changes'
  return from.id === before?.id && !isSameJson(planSideOf(from), planSideOf(to)) ? 'changes' : 'none'
}

/** What plans depend on of a policy. */
const planSideOf = ({ name, template, mayPause }: Policy) => ({ name, template, mayPause })

async function previewInstance(
  context: Context,
  { facts, from, to }: AffectedInstance,
  effect: PreviewedInstance['effect'],
): Promise<PreviewedInstance> {
  const instanceId = facts.id
  const previewed = { instanceId, effect, from, to }
  const nothing = { changes: [], isRetentionShorter: false, problem: undefined, restorePoints: [] }
  if (to?.template === undefined || effect === 'none' || effect === 'exempt') {
    const plan = await policyPlanOf(context, instanceId)
    return { ...previewed, ...nothing, planId: plan?.id }
  }
  try {
    const { plan, ...found } = await previewTemplate(context, applicationOf(to, to.template, instanceId))
    return { ...previewed, ...changesOf(found), planId: plan?.id, problem: undefined }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    return { ...previewed, ...nothing, planId: undefined, problem: error.message }
  }
}

const changesOf = ({ changes, isRetentionShorter, restorePoints }: Omit<TemplatePreview, 'plan'>) => ({
  changes,
  isRetentionShorter,
  restorePoints,
})

/** The plans that would be below the floor of the changed policy, except those that it changes itself. */
async function violationsAfter(context: Context, { after }: PolicyChange): Promise<PlanBelowFloor[]> {
  const { id, name, selector, floor } = after ?? {}
  if (id === undefined || name === undefined || selector === undefined || floor === undefined) return []
  const floors = [{ policyId: id, name, selector, floor }]
  const found: PlanBelowFloor[] = []
  let batch: InstanceFacts[] = []
  for await (const facts of allInstances(context)) {
    if (isSelected(facts, selector)) batch.push(facts)
    if (batch.length < BATCH_SIZE) continue
    found.push(...(await plansBelowFloors(context, batch, floors)))
    batch = []
  }
  return [...found, ...(await plansBelowFloors(context, batch, floors))].slice(0, MAX_LISTED)
}

/** Whether a change might delete restore points that are kept at present, of any instance. */
export async function shortensRetention(context: Context, change: PolicyChange): Promise<boolean> {
  for await (const affected of affectedInstances(context, change)) {
    const effect = roughEffect(affected, change)
    if (effect !== 'changes' && effect !== 'gains') continue
    if ((await previewInstance(context, affected, effect)).isRetentionShorter) return true
  }
  return false
}

import {
  type FloorSubject,
  type FloorViolation,
  floorViolations,
  isSelected,
  type Place,
  type SelectableInstance,
} from '@osb-backup/core'
import { StoreError, type StoreSettings, stores } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import * as repository from './repository.ts'

type FloorContext = Pick<Context, 'database'>

/** What is below a floor of a plan, and of which policy. */
export interface Violation extends FloorViolation {
  policyId: string
  policyName: string
}

/** What floors judge of a plan. */
export interface PlanUnderFloor {
  retention: FloorSubject['retention']
  publicKey: string | undefined
  store: StoreSettings
}

/** Where a store is, as floors compare it. */
export function placeOf(store: StoreSettings): Place {
  const { type, containerField } = stores.kindOf(store)
  const container = containerField && (store as unknown as Record<string, unknown>)[containerField]
  return {
    kind: type,
    server: serverOf(store),
    container: typeof container === 'string' ? container : undefined,
  }
}

/** A URL that cannot be read is no allowed server. */
function serverOf(store: StoreSettings): string | undefined {
  try {
    return stores.kindOf(store).endpoint(store)?.href
  } catch (error) {
    if (error instanceof StoreError) return undefined
    throw error
  }
}

const subjectOf = ({ retention, publicKey, store }: PlanUnderFloor): FloorSubject => ({
  retention,
  isEncrypted: publicKey !== undefined,
  destination: placeOf(store),
})

function violations(
  subject: FloorSubject,
  instance: SelectableInstance,
  floors: readonly repository.PolicyFloor[],
): Violation[] {
  return floors
    .filter(({ selector }) => isSelected(instance, selector))
    .flatMap(({ policyId, name, floor }) =>
      floorViolations(subject, floor).map((violation) => ({ ...violation, policyId, policyName: name })),
    )
}

const fields = { retention: 'retention', encryption: 'encryption.publicKey', destination: 'destinationId' } as const

/** The sentence about a violation. */
export const violationText = ({ policyName, message }: Pick<Violation, 'policyName' | 'message'>) =>
  `The policy ${JSON.stringify(policyName)} ${message}.`

/**
 * Refuses a plan that falls below the floor of a policy. Parts that a change leaves as they were are not judged: a plan that was
 * below a floor before that was set can still be paused.
 *
 * @param stored - What it replaces; undefined: it is new.
 * @throws {RequestError} Naming the policy, what it requires, and the field.
 */
export async function requireAboveFloors(
  context: FloorContext,
  instanceId: string,
  plan: PlanUnderFloor,
  stored?: PlanUnderFloor,
): Promise<void> {
  const floors = await repository.listFloors(context)
  if (floors.length === 0) return
  const instance = await repository.findInstanceFacts(context, instanceId)
  if (instance === undefined) return
  const [subject, before] = [subjectOf(plan), stored && subjectOf(stored)]
  const found = violations(subject, instance, floors).find(
    ({ rule }) => before === undefined || !isSamePart(rule, subject, before),
  )
  if (found !== undefined) throw belowFloor(found)
}

const belowFloor = (violation: Violation): RequestError =>
  new RequestError('invalid', violationText(violation), { field: fields[violation.rule] })

function isSamePart(rule: FloorViolation['rule'], one: FloorSubject, other: FloorSubject): boolean {
  if (rule === 'encryption') return one.isEncrypted === other.isEncrypted
  const part = rule === 'retention' ? 'retention' : 'destination'
  return JSON.stringify(one[part]) === JSON.stringify(other[part])
}

/**
 * Refuses to move a destination to a place that a floor does not allow, while a plan stores in it.
 *
 * @throws {RequestError} Naming the policy.
 */
export async function requireAllowedPlace(
  context: FloorContext,
  { id, instanceId }: { id: string; instanceId: string },
  store: StoreSettings,
): Promise<void> {
  const floors = await repository.listFloors(context)
  if (floors.length === 0) return
  const instance = await repository.findInstanceFacts(context, instanceId)
  const plans = await repository.plansOnFloor(context, { destinationId: id })
  if (instance === undefined) return
  for (const { retention, isEncrypted } of plans) {
    const subject = { retention, isEncrypted, destination: placeOf(store) }
    const found = violations(subject, instance, floors).find(({ rule }) => rule === 'destination')
    if (found !== undefined) throw new RequestError('invalid', violationText(found), { field: 'store' })
  }
}

/** A plan that is below floors. */
export interface PlanBelowFloor {
  planId: string
  instanceId: string
  name: string
  violations: Violation[]
}

/**
 * The plans of instances that are below floors: they were there before the floor was set, or before their instance was selected.
 *
 * @param floors - Those to judge by; by default all that are stored.
 */
export async function plansBelowFloors(
  context: FloorContext,
  instances: readonly SelectableInstance[],
  floors?: readonly repository.PolicyFloor[],
): Promise<PlanBelowFloor[]> {
  const judgedBy = floors ?? (await repository.listFloors(context))
  if (judgedBy.length === 0 || instances.length === 0) return []
  const byId = new Map(instances.map((instance) => [instance.id, instance]))
  const plans = await repository.plansOnFloor(context, { instanceIds: [...byId.keys()] })
  return plans.flatMap((plan) => {
    const instance = byId.get(plan.instanceId)
    const { planId, instanceId, name, retention, isEncrypted, store } = plan
    const subject = { retention, isEncrypted, destination: placeOf(store) }
    const found = instance === undefined ? [] : violations(subject, instance, judgedBy)
    return found.length === 0 ? [] : [{ planId, instanceId, name, violations: found }]
  })
}

import { isDeclaredItem } from './item-patterns.ts'

/**
 * Which service instances a policy is about. Each list holds names, or patterns in which `*` matches any text. An instance has to
 * match an entry of every list that there is; without any list none is selected, so that a slip does not select all.
 */
export interface PolicySelector {
  /** Their ids. */
  instances?: readonly string[] | undefined
  /** The ids of their services in the catalog of their broker. */
  services?: readonly string[] | undefined
  /** The ids of the plans in that catalog. */
  servicePlans?: readonly string[] | undefined
  organizations?: readonly string[] | undefined
  spaces?: readonly string[] | undefined
  labels?: readonly string[] | undefined
}

/** What selectors are compared with. */
export interface SelectableInstance {
  id: string
  serviceId: string | undefined
  servicePlanId: string | undefined
  organizationGuid: string | undefined
  spaceGuid: string | undefined
  label: string | undefined
}

const selectedBy = {
  instances: 'id',
  services: 'serviceId',
  servicePlans: 'servicePlanId',
  organizations: 'organizationGuid',
  spaces: 'spaceGuid',
  labels: 'label',
} as const satisfies Record<keyof PolicySelector, keyof SelectableInstance>

/** The lists that a selector may have. */
export const selectorFields = Object.keys(selectedBy) as (keyof PolicySelector)[]

/** Whether a policy is about an instance. */
export function isSelected(instance: SelectableInstance, selector: PolicySelector): boolean {
  const lists = selectorFields.flatMap((field) => {
    const patterns = selector[field]
    return patterns === undefined ? [] : [{ value: instance[selectedBy[field]], patterns }]
  })
  return (
    lists.length > 0 && lists.every(({ value, patterns }) => value !== undefined && isDeclaredItem(value, patterns))
  )
}

/** What decides which of several policies an instance follows. */
export interface RankedPolicy {
  id: string
  /** The larger one wins. */
  priority: number
  createdAt: Date
  selector: PolicySelector
  /** Whether it says how instances are backed up; one that only sets a floor says nothing about plans. */
  hasTemplate: boolean
}

/**
 * The policy that an instance follows: of those that select it and have a template the one with the largest priority; of equal
 * ones the one that was created first, so that a new policy takes no instance from another one unless it says so.
 */
export function choosePolicy<P extends RankedPolicy>(
  policies: readonly P[],
  instance: SelectableInstance,
): P | undefined {
  return policies
    .filter((policy) => policy.hasTemplate && isSelected(instance, policy.selector))
    .toSorted(firstToWin)[0]
}

function firstToWin(one: RankedPolicy, other: RankedPolicy): number {
  if (one.priority !== other.priority) return other.priority - one.priority
  const age = one.createdAt.getTime() - other.createdAt.getTime()
  return age !== 0 ? age : one.id < other.id ? -1 : 1
}

import type { Call } from '../access/call.ts'
import { scopeOf } from '../access/scope.ts'
import type { Context } from '../context/context.ts'
import { activeExemptions } from '../exemptions/repository.ts'
import { type InstanceFacts, listInstanceFacts } from '../floors/repository.ts'
import { plansBelowFloors, type Violation } from '../floors/service.ts'
import { listPlansMaintainedBy } from '../plans/managed-repository.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { RequestError } from '../shared/request-error.ts'
import { type CheckedPolicy, checkedPolicies } from './checks-repository.ts'
import { POLICY_PREFIX, type Policy, toRanked } from './policy.ts'
import { listPolicies } from './repository.ts'
import { rankPolicies } from './service.ts'

const BATCH_SIZE = 200
/** How many instances are judged for one page that is filtered; the cursor continues after them. */
const MAX_JUDGED = 2000

/** What an instance follows, and what of its plans is below a floor. */
export interface PolicyAssignment {
  instanceId: string
  policy: Policy | undefined
  /** Ids of the policies that select it too, and lose. */
  overruled: string[]
  planId: string | undefined
  exemptUntil: Date | undefined
  checked: CheckedPolicy | undefined
  violations: (Violation & { planId: string; planName: string })[]
}

export type AssignmentState = 'assigned' | 'unassigned' | 'exempt' | 'failing' | 'violating'

/** What a list of assignments is filtered by. */
export interface AssignmentSearch {
  instanceId?: string | undefined
  policyId?: string | undefined
  state?: AssignmentState | undefined
}

type AssignmentContext = Pick<Context, 'database' | 'sealer'>

/** What the cursor of a page names, besides the id that the next page begins after. */
const KEY = 'instance'

const keyOf = (id: string): string[] => [KEY, id]

function idBehind({ after }: KeysetRequest): string {
  if (after === undefined) return ''
  const [name, id] = after
  if (name === KEY && id !== undefined && after.length === 2 && !id.includes('\0')) return id
  throw new RequestError('invalid', 'cursor is not one of this list: start again without it.', { field: 'cursor' })
}

/** One page of what the instances that the caller was granted follow, by id. */
export async function searchAssignments(
  context: AssignmentContext,
  call: Call,
  { instanceId, ...filter }: AssignmentSearch,
  page: KeysetRequest,
): Promise<Pick<KeysetPage<PolicyAssignment>, 'entries' | 'next'>> {
  const scope = await scopeOf(call, instanceId)
  const policies = await listPolicies(context)
  const found: PolicyAssignment[] = []
  let after = idBehind(page)
  for (let judged = 0; judged < MAX_JUDGED; judged += BATCH_SIZE) {
    const batch = await listInstanceFacts(context, { scope, after, limit: BATCH_SIZE })
    for (const assignment of await assign(context, batch, policies)) {
      if (found.length === page.limit) return { entries: found, next: keyOf(found.at(-1)?.instanceId ?? after) }
      if (isWanted(assignment, filter)) found.push(assignment)
    }
    if (batch.length < BATCH_SIZE) return { entries: found, next: undefined }
    after = batch.at(-1)?.id ?? after
  }
  return { entries: found, next: keyOf(after) }
}

function isWanted(assignment: PolicyAssignment, { policyId, state }: Omit<AssignmentSearch, 'instanceId'>): boolean {
  const { policy, exemptUntil, checked, violations } = assignment
  if (policyId !== undefined && policy?.id !== policyId) return false
  switch (state) {
    case undefined:
      return true
    case 'assigned':
      return policy !== undefined && exemptUntil === undefined
    case 'unassigned':
      return policy === undefined
    case 'exempt':
      return exemptUntil !== undefined
    case 'failing':
      return checked?.error !== undefined
    case 'violating':
      return violations.length > 0
  }
}

async function assign(
  context: AssignmentContext,
  instances: readonly InstanceFacts[],
  policies: readonly Policy[],
): Promise<PolicyAssignment[]> {
  const ids = instances.map(({ id }) => id)
  const ranked = policies.map(toRanked)
  const [exemptions, checked, plans] = [
    await activeExemptions(context, ids),
    await checkedPolicies(context, ids),
    await listPlansMaintainedBy(context, POLICY_PREFIX, ids),
  ]
  const below = Map.groupBy(await plansBelowFloors(context, instances), ({ instanceId }) => instanceId)
  return instances.map((instance) => {
    const { winner, overruled } = rankPolicies(ranked, instance)
    return {
      instanceId: instance.id,
      policy: instance.isLeftAlone ? undefined : winner,
      overruled: overruled.map(({ id }) => id),
      planId: plans.get(instance.id),
      exemptUntil: exemptions.get(instance.id)?.expiresAt,
      checked: checked.get(instance.id),
      violations: (below.get(instance.id) ?? []).flatMap(({ planId, name, violations }) =>
        violations.map((violation) => ({ ...violation, planId, planName: name })),
      ),
    }
  })
}

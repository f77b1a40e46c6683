import { choosePolicy } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import { activeExemptions } from '../exemptions/repository.ts'
import { findInstanceFacts } from '../floors/repository.ts'
import { findManagedState } from '../plan-templates/apply.ts'
import { applyTemplate, pauseManagedPlan, removeTemplate } from '../plan-templates/service.ts'
import { RequestError } from '../shared/request-error.ts'
import { checkedPolicies, claimPolicyChecks, type PolicyCheck, recordPolicyCheck } from './checks-repository.ts'
import { managedByPolicy, POLICY_PREFIX, type Policy, toRanked } from './policy.ts'
import { listPolicies } from './repository.ts'

/**
 * Applies the policies to instances that are due for it: those that were registered or changed, all once a policy was changed.
 *
 * @returns Whether there may be more.
 */
export async function enforcePolicies(context: Context, limit: number, signal: AbortSignal): Promise<boolean> {
  const checks = await claimPolicyChecks(context, limit)
  if (checks.length === 0) return false
  const policies = await listPolicies(context)
  for (const check of checks) {
    signal.throwIfAborted()
    await enforceFor(context, check, policies)
  }
  return checks.length === limit
}

/** Whatever prevents it is recorded, shown, and tried again. */
async function enforceFor(context: Context, check: PolicyCheck, policies: readonly Policy[]): Promise<void> {
  const { instanceId } = check
  try {
    await recordPolicyCheck(context, check, { ...(await enforce(context, instanceId, policies)), error: undefined })
  } catch (err) {
    const policyId = (await policyOf(context, instanceId, policies))?.id
    const error = err instanceof RequestError ? err.message : 'The manager failed; its log says why.'
    // Repeated every minute: logged when it is new.
    const before = (await checkedPolicies(context, [instanceId])).get(instanceId)
    const level = before?.error === error ? 'debug' : 'warn'
    context.log[level]({ err, instanceId, policyId }, 'a policy could not be applied to a service instance; retrying')
    await recordPolicyCheck(context, check, { policyId, error, nextAt: undefined })
  }
}

async function policyOf(
  context: Context,
  instanceId: string,
  policies: readonly Policy[],
): Promise<Policy | undefined> {
  const facts = await findInstanceFacts(context, instanceId)
  return facts && choosePolicy(policies.map(toRanked), facts)
}

/** What is recorded of an instance whose policy was applied. */
interface Enforced {
  policyId: string | undefined
  /** When its exemption expires. */
  nextAt: Date | undefined
}

async function enforce(context: Context, instanceId: string, policies: readonly Policy[]): Promise<Enforced> {
  const facts = await findInstanceFacts(context, instanceId)
  // Its broker deleted its plans on purpose, drills restore into it, or it is deleted.
  if (facts === undefined || facts.isLeftAlone) return { policyId: undefined, nextAt: undefined }
  const policy = choosePolicy(policies.map(toRanked), facts)
  const exemption = (await activeExemptions(context, [instanceId])).get(instanceId)
  if (exemption !== undefined) {
    await pauseExempt(context, instanceId)
    return { policyId: policy?.id, nextAt: exemption.expiresAt }
  }
  if (policy?.template === undefined) {
    await leaveToInstance(context, instanceId)
    return { policyId: undefined, nextAt: undefined }
  }
  const { isChanged, planId } = await applyTemplate(
    context,
    undefined,
    applicationOf(policy, policy.template, instanceId),
  )
  if (isChanged) context.log.info({ instanceId, policyId: policy.id, planId }, 'a policy was applied')
  return { policyId: policy.id, nextAt: undefined }
}

/** How a policy is applied to an instance. */
export function applicationOf(policy: Policy, template: NonNullable<Policy['template']>, instanceId: string) {
  return {
    instanceId,
    managedBy: managedByPolicy(policy.id),
    name: policy.name,
    template,
    mayPause: policy.mayPause,
    // An instance that passes from one policy to another one keeps its plan, and with it its restore points.
    takesOver: POLICY_PREFIX,
  }
}

/** The plan that an instance has from a policy, whichever. */
export async function policyPlanOf(context: Pick<Context, 'database' | 'sealer'>, instanceId: string) {
  const { plan } = await findManagedState(context, {
    instanceId,
    managedBy: POLICY_PREFIX,
    takesOver: POLICY_PREFIX,
  })
  return plan?.managedBy === undefined ? undefined : plan
}

async function pauseExempt(context: Context, instanceId: string): Promise<void> {
  const plan = await policyPlanOf(context, instanceId)
  if (plan === undefined || plan.paused) return
  const isPaused = await inTransaction(context, (tx) => pauseManagedPlan(tx, plan.id, 'exemption'))
  if (isPaused) context.log.info({ instanceId, planId: plan.id }, 'a plan was paused, as its instance is exempt')
}

/** No policy selects it any more: it keeps its plan, which is its own from now on. */
async function leaveToInstance(context: Context, instanceId: string): Promise<void> {
  const plan = await policyPlanOf(context, instanceId)
  const managedBy = plan?.managedBy
  if (managedBy === undefined) return
  await inTransaction(context, (tx) => removeTemplate(tx, { managedBy, instanceId }, 'keep'))
  context.log.info(
    { instanceId, planId: plan?.id },
    'a plan was left to its instance, which no policy selects any more',
  )
}

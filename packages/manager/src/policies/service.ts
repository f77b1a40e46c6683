import { choosePolicy, floorViolations, isSelected } from '@osb-backup/core'
import { stores } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import { hasPermission } from '../access/caller.ts'
import { requireAllInstances, requirePermission } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { type InstanceFacts, listInstanceFacts } from '../floors/repository.ts'
import { placeOf } from '../floors/service.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { checkTemplate, type Removal, removeTemplate } from '../plan-templates/service.ts'
import { sampleStore } from '../plan-templates/template.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { changedMeanwhile, notFound, RequestError } from '../shared/request-error.ts'
import { managedByPolicy, type Policy } from './policy.ts'
import { type PolicyChange, type PolicyPreview, previewChange, shortensRetention } from './preview.ts'
import * as repository from './repository.ts'

/** A policy as a caller sees it: only callers who were granted all instances see which it selects. */
export type VisiblePolicy = Omit<Policy, 'selector'> & { selector: Policy['selector'] | undefined }

/**
 * One page of policies, newest first: all of them, or for callers who were granted some instances those that select one of
 * these.
 */
export async function searchPolicies(
  context: RepositoryContext,
  call: Call,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<VisiblePolicy>> {
  const grants = await call.caller.grants()
  if (grants === 'all') return repository.searchPolicies(context, { ids: 'all', text }, page)
  const ids = await policiesConcerning(context, grants)
  const { entries, ...rest } = await repository.searchPolicies(context, { ids, text }, page)
  return { entries: entries.map(withoutSelector), ...rest }
}

const withoutSelector = (policy: Policy): VisiblePolicy => ({ ...policy, selector: undefined })

/** The ids of the policies that select one of these instances. */
async function policiesConcerning(context: RepositoryContext, instanceIds: readonly string[]): Promise<string[]> {
  const limit = Math.max(1, instanceIds.length)
  const instances = await listInstanceFacts(context, { scope: instanceIds, after: '', limit })
  const policies = await repository.listPolicies(context)
  const concerns = (policy: Policy) => instances.some((instance) => isSelected(instance, policy.selector))
  return policies.filter(concerns).map(({ id }) => id)
}

/** @throws {RequestError} If there is no such policy, or it selects no instance that the caller was granted. */
export async function getPolicy(context: RepositoryContext, call: Call, id: string): Promise<VisiblePolicy> {
  const policy = await repository.findPolicy(context, id)
  if (policy === undefined) throw notFound('policy', id)
  const grants = await call.caller.grants()
  if (grants === 'all') return policy
  if (!(await policiesConcerning(context, grants)).includes(id)) throw notFound('policy', id)
  return withoutSelector(policy)
}

/** The policy with its secrets, to be changed. @throws {RequestError} If there is none, or the caller was granted some instances only. */
export async function getPolicyToChange(context: RepositoryContext, call: Call, id: string): Promise<Policy> {
  await requireAllInstances(call)
  const policy = await repository.findPolicy(context, id)
  if (policy === undefined) throw notFound('policy', id)
  return policy
}

/** What a policy is written with. */
export type NewPolicy = Omit<Policy, 'id' | 'version' | 'createdAt'>

/** A policy that does not exist yet; for a preview it needs no id. */
const unborn = (wanted: NewPolicy, createdAt: Date, id: string): Policy => ({ ...wanted, id, version: 1, createdAt })

/**
 * Creates a policy. It is applied to the instances that it selects within a minute.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} If the caller was granted some instances only, no instance could use it, it would delete restore points
 *   and the caller may not, or its name is taken.
 */
export async function createPolicy(
  context: Context,
  call: Call,
  wanted: NewPolicy,
  key?: IdempotencyKey,
): Promise<Policy> {
  await requireAllInstances(call)
  await checkPolicy(context, call, wanted)
  const createdAt = await readClock(context)
  const policy = unborn(wanted, createdAt, newIdentifier(createdAt))
  await requireMayShorten(context, call, { before: undefined, after: policy })
  return namingTakenName(
    policy,
    createOnce<Context, Policy>(context, {
      id: policy.id,
      call,
      key,
      async create(tx) {
        await repository.lockPolicies(tx)
        await repository.insertPolicy(tx, policy)
        return policy
      },
      find: (id) => repository.findPolicy(context, id),
    }),
  )
}

/** Replaces a policy. @throws {RequestError} As `createPolicy`; or if somebody else changed it. */
export async function updatePolicy(context: Context, call: Call, wanted: Policy, stored: Policy): Promise<Policy> {
  await requireAllInstances(call)
  await checkPolicy(context, call, wanted, stored)
  await requireMayShorten(context, call, { before: stored, after: wanted })
  const update = inAuditedTransaction(context, call, async (tx) => {
    await repository.lockPolicies(tx)
    const written = await repository.updatePolicy(tx, wanted)
    if (written === undefined) throw changedMeanwhile()
    return written
  })
  return { ...wanted, version: await namingTakenName(wanted, update) }
}

/**
 * Deletes a policy. Restore points stay, and so do its plans unless their deletion is requested.
 *
 * @throws {RequestError} If there is none, or another policy would take its plans over and delete restore points.
 */
export async function deletePolicy(context: Context, call: Call, id: string, plans: Removal): Promise<void> {
  const stored = await getPolicyToChange(context, call, id)
  await requireMayShorten(context, call, { before: stored, after: undefined })
  await inAuditedTransaction(context, call, async (tx) => {
    await repository.lockPolicies(tx)
    if (!(await repository.deletePolicy(tx, id))) throw notFound('policy', id)
    await removeTemplate(tx, { managedBy: managedByPolicy(id) }, plans)
  })
}

/** What a new policy would do. @throws {RequestError} As `createPolicy`. */
export async function previewNewPolicy(context: Context, call: Call, wanted: NewPolicy): Promise<PolicyPreview> {
  await requireAllInstances(call)
  await checkPolicy(context, call, wanted)
  const policies = await repository.listPolicies(context)
  const after = unborn(wanted, await readClock(context), '')
  return previewChange(context, { policies, before: undefined, after })
}

/** What a change, or with `undefined` the removal, of a policy would do. @throws {RequestError} As `updatePolicy`. */
export async function previewPolicyChange(
  context: Context,
  call: Call,
  stored: Policy,
  wanted: Policy | undefined,
): Promise<PolicyPreview> {
  await requireAllInstances(call)
  if (wanted !== undefined) await checkPolicy(context, call, wanted, stored)
  const policies = await repository.listPolicies(context)
  return previewChange(context, { policies, before: stored, after: wanted })
}

async function checkPolicy(context: Context, call: Call, policy: NewPolicy, stored?: Policy): Promise<void> {
  const { template, floor } = policy
  if (template === undefined && floor === undefined) {
    const message = 'A policy needs a template, a floor, or both: otherwise it says nothing.'
    throw new RequestError('invalid', message, { field: 'template' })
  }
  const unknown = floor?.allowedDestinations?.find(({ kind }) => !stores.kinds.some(({ type }) => type === kind))
  if (unknown !== undefined) {
    const kinds = stores.kinds.map(({ type }) => type).join(', ')
    const message = `There is no kind of store ${JSON.stringify(unknown.kind)}: use one of ${kinds}.`
    throw new RequestError('invalid', message, { field: 'floor.allowedDestinations' })
  }
  if (template === undefined) return
  await namingTemplateField(() => checkTemplate(context, call, template, stored?.template))
  const { plan, destination } = template
  const subject = {
    retention: { ...plan.retention, timezone: plan.timezone },
    isEncrypted: plan.publicKey !== undefined,
    destination: placeOf(sampleStore(destination)),
  }
  const [violation] = floorViolations(subject, floor ?? {})
  if (violation === undefined) return
  const message = `The template is below the floor of its own policy, which ${violation.message}.`
  throw new RequestError('invalid', message, { field: 'template' })
}

/** Runs a check of a template, whose fields are below `template` in a policy. */
export async function namingTemplateField<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    if (!(error instanceof RequestError) || error.field === undefined) throw error
    const { code, message, field, cause } = error
    throw new RequestError(code, message, {
      field: `template.${field.replace(/^store\b/, 'destination.store')}`,
      cause,
    })
  }
}

/** Whoever may not delete restore points changes no policy so that retention would. */
async function requireMayShorten(context: Context, call: Call, change: Omit<PolicyChange, 'policies'>): Promise<void> {
  if (hasPermission(call.caller, 'delete-backups')) return
  const policies = await repository.listPolicies(context)
  if (!(await shortensRetention(context, { policies, ...change }))) return
  requirePermission(call, 'delete-backups', 'Shortening the retention of plans')
}

async function namingTakenName<T>({ name }: Policy, written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (cause) {
    if (!repository.isPolicyNameTaken(cause)) throw cause
    const message = `There is a policy ${JSON.stringify(name)} already: choose another name.`
    throw new RequestError('invalid', message, { field: 'name', cause })
  }
}

/** The policies that select an instance and have a template: the one that it follows first. */
export function rankPolicies(policies: readonly (Policy & { hasTemplate: boolean })[], instance: InstanceFacts) {
  const winner = choosePolicy(policies, instance)
  const overruled = policies.filter(
    (policy) => policy !== winner && policy.hasTemplate && isSelected(instance, policy.selector),
  )
  return { winner, overruled }
}

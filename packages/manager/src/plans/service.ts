import { isRetentionShorter } from '@osb-backup/core'
import type { PlanRunOutcome } from '@osb-backup/protocol'
import { generateAgeKeys } from '@osb-backup/storage'
import { authorizeInstance, authorizeReferredInstance, type Call, unknownInstance } from '../access/call.ts'
import { requirePermission } from '../access/limits.ts'
import { scopeOf } from '../access/scope.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { FileDestination } from '../destinations/destination.ts'
import { findDestination } from '../destinations/repository.ts'
import { requireAboveFloors } from '../floors/service.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { findInstance } from '../instances/repository.ts'
import { requireSelectableItems } from '../items/service.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { changedMeanwhile, notFound, RequestError } from '../shared/request-error.ts'
import { checkDrill, requireNoDrillTarget } from './drill-rules.ts'
import { requireMayEdit } from './managed.ts'
import { nextDrillOf } from './next-drill.ts'
import { nextRunOf } from './next-run.ts'
import { type BackupPlan, retentionOf } from './plan.ts'
import type { PlanRun } from './plan-run.ts'
import * as planRuns from './plan-runs-repository.ts'
import { replacePlan } from './replace-plan.ts'
import * as repository from './repository.ts'
import { checkPlan } from './rules.ts'
import type { PlanSearch } from './search-repository.ts'
import * as search from './search-repository.ts'

/** One page of the plans of an instance, oldest first unless requested otherwise. */
export async function listPlans(
  context: RepositoryContext,
  call: Call,
  instanceId: string,
  page: PageRequest,
): Promise<PageOf<BackupPlan>> {
  await authorizeInstance(call, instanceId)
  return repository.listPlans(context, instanceId, page)
}

/** @throws {RequestError} If there is no such plan, or the caller was not granted its instance. */
export async function getPlan(context: RepositoryContext, call: Call, id: string): Promise<BackupPlan> {
  const plan = await repository.findPlan(context, id)
  if (plan === undefined) throw notFound('backup plan', id)
  await authorizeInstance(call, plan.instanceId, { what: 'backup plan', id })
  return plan
}

/** Plans by id; those that were deleted are missing. For callers that were authorized already. */
export function plansById(context: RepositoryContext, ids: readonly string[]): Promise<Map<string, BackupPlan>> {
  return repository.plansById(context, ids)
}

/** What a new plan is created with. */
export type NewPlan = Omit<
  BackupPlan,
  'id' | 'version' | 'createdAt' | 'nextRunAt' | 'nextDrillAt' | 'retentionCountsFrom'
>

/**
 * Creates a plan.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} If it could not run, its instance or destination does not exist, or its name is taken.
 */
export async function createPlan(
  context: Context,
  call: Call,
  wanted: NewPlan,
  key?: IdempotencyKey,
): Promise<BackupPlan> {
  const field = 'instanceId'
  await authorizeReferredInstance(call, wanted.instanceId, field)
  const instance = await findInstance(context, wanted.instanceId)
  if (instance === undefined) throw unknownInstance(wanted.instanceId, field)
  await requireSelectableItems(context, instance, wanted.items, 'items')
  const unscheduled = { nextRunAt: undefined, retentionCountsFrom: undefined, version: 1 }
  const createdAt = await readClock(context)
  const nextDrillAt = nextDrillOf(wanted, createdAt)
  const plan: BackupPlan = { ...wanted, ...unscheduled, id: newIdentifier(createdAt), createdAt, nextDrillAt }
  requireNoDrillTarget(instance)
  const { store } = await checkDestination(context, plan)
  checkPlan(plan, context)
  await checkDrill(context, call, plan)
  await requireAboveFloors(context, plan.instanceId, { ...plan, retention: retentionOf(plan), store })
  const next = nextRunOf({ ...plan, lastDueAt: undefined }, context.settings, createdAt)
  return namingTakenName(
    plan,
    createOnce<Context, BackupPlan>(context, {
      id: plan.id,
      call,
      key,
      async create(tx) {
        await repository.insertPlan(tx, plan, next)
        return { ...plan, nextRunAt: next.runAt }
      },
      find: (id) => repository.findPlan(context, id),
    }),
  )
}

/**
 * Replaces a plan. If its schedule changes, the next run is recomputed from now on, and a run that was due at this moment
 * is recorded as skipped; if its retention changes, the change counts only after a while, so that a slip can be undone.
 *
 * @param edited - The version to replace; undefined: whichever is stored.
 * @returns The plan as it is stored now.
 * @throws {RequestError} If it could not run, its name is taken, something maintains it, or it was changed meanwhile.
 */
export async function updatePlan(
  context: Context,
  call: Call,
  wanted: BackupPlan,
  edited: number | undefined,
): Promise<BackupPlan> {
  const stored = await getPlan(context, call, wanted.id)
  requireMayEdit(stored, wanted)
  // What was changed by hand is nobody's to take over.
  const plan = { ...wanted, pausedBy: undefined, releasedFrom: undefined }
  const { store } = await checkDestination(context, plan)
  await checkItems(context, plan, stored)
  requireMayReplace(call, stored, plan)
  checkPlan(plan, context, stored)
  await checkDrill(context, call, plan, stored)
  await requireStaysAboveFloors(context, { plan, store }, stored)
  const update = inAuditedTransaction(context, call, async (tx) => {
    const locked = await repository.lockPlan(tx, plan.id)
    if (locked === undefined || (edited !== undefined && locked.plan.version !== edited)) throw changedMeanwhile()
    requireMayEdit(locked.plan, wanted)
    // Its retention may have been extended since it was read.
    requireMayReplace(call, locked.plan, plan)
    return replacePlan(tx, plan, locked)
  })
  const version = await namingTakenName(plan, update)
  const updated = await repository.findPlan(context, plan.id)
  return updated ?? { ...plan, version }
}

/** @throws {RequestError} If the change shortens the retention, and the caller may not delete restore points. */
function requireMayReplace(call: Call, stored: BackupPlan, plan: BackupPlan): void {
  if (!isRetentionShorter(retentionOf(plan), retentionOf(stored))) return
  requirePermission(call, 'delete-backups', 'Shortening a retention')
}

/** Unchanged items are checked when they are backed up: otherwise a plan could not even be paused. */
async function checkItems(context: Context, { instanceId, items }: BackupPlan, stored: BackupPlan): Promise<void> {
  const added = items.filter((item) => !stored.items.includes(item))
  const instance = await findInstance(context, instanceId)
  if (instance !== undefined) await requireSelectableItems(context, instance, added, 'items')
}

async function requireStaysAboveFloors(
  context: Context,
  { plan, store }: { plan: BackupPlan; store: FileDestination['store'] },
  stored: BackupPlan,
): Promise<void> {
  const former =
    plan.destinationId === stored.destinationId ? { store } : await findDestination(context, stored.destinationId)
  const before = former && { ...stored, retention: retentionOf(stored), store: former.store }
  await requireAboveFloors(context, plan.instanceId, { ...plan, retention: retentionOf(plan), store }, before)
}

async function checkDestination(context: RepositoryContext, plan: BackupPlan): Promise<FileDestination> {
  const destination = await findDestination(context, plan.destinationId)
  if (destination?.instanceId === plan.instanceId) return destination
  const message = `The service instance has no file destination ${JSON.stringify(plan.destinationId)}.`
  throw new RequestError('invalid', message, { field: 'destinationId' })
}

async function namingTakenName<T>(plan: BackupPlan, written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (cause) {
    if (!repository.isPlanNameTaken(cause)) throw cause
    const message = `The service instance has a backup plan ${JSON.stringify(plan.name)} already.`
    throw new RequestError('invalid', message, { field: 'name', cause })
  }
}

/**
 * Creates a pair of age keys that a plan encrypts with from now on.
 *
 * @param keepPrivateKey - Whether the plan keeps the private key, to restore without being given one.
 * @returns The plan, and the private key, which is shown only once.
 */
export async function createPlanKeys(
  context: Context,
  call: Call,
  id: string,
  keepPrivateKey: boolean,
): Promise<{ plan: BackupPlan; recipient: string; identity: string }> {
  const stored = await getPlan(context, call, id)
  const { recipient, identity } = await generateAgeKeys()
  // Keys that are stored already stay: what was encrypted so far can be decrypted with them alone.
  const privateKey = keepPrivateKey ? [identity, stored.privateKey].filter(Boolean).join(',') : stored.privateKey
  const plan = await updatePlan(context, call, { ...stored, publicKey: recipient, privateKey }, stored.version)
  return { plan, recipient, identity }
}

/** One page of what became of the scheduled runs of a plan, newest first unless requested otherwise. */
export async function listPlanRuns(
  context: RepositoryContext,
  call: Call,
  filter: { planId: string; outcome?: PlanRunOutcome | undefined },
  page: PageRequest,
): Promise<PageOf<PlanRun>> {
  await getPlan(context, call, filter.planId)
  return planRuns.listPlanRuns(context, filter, page)
}

/** One page of the plans of all instances that the caller was granted, or of one, newest first. */
export async function searchPlans(
  context: RepositoryContext,
  call: Call,
  { instanceId, ...filter }: Omit<PlanSearch, 'scope'> & { instanceId?: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<BackupPlan>> {
  return search.searchPlans(context, { ...filter, scope: await scopeOf(call, instanceId) }, page)
}

/** One page of what became of the scheduled runs of a plan, newest first. */
export async function searchPlanRuns(
  context: RepositoryContext,
  call: Call,
  filter: planRuns.PlanRunSearch,
  page: KeysetRequest,
): Promise<KeysetPage<PlanRun>> {
  await getPlan(context, call, filter.planId)
  return planRuns.searchPlanRuns(context, filter, page)
}

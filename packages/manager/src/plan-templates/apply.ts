import { stores } from '@osb-backup/storage'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { FileDestination } from '../destinations/destination.ts'
import { requireOwnDirectory } from '../destinations/directories.ts'
import { findManagedDestination, releaseDestination } from '../destinations/managed-repository.ts'
import {
  destinationsById,
  insertDestination,
  lockDestination,
  lockDirectories,
  retireDestinations,
  updateDestination,
} from '../destinations/repository.ts'
import { checkStore } from '../destinations/service.ts'
import { requireAboveFloors } from '../floors/service.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance, lockInstance } from '../instances/repository.ts'
import { requireSelectableItems } from '../items/service.ts'
import { isSamePlan } from '../plans/managed.ts'
import { findManagedPlan, lockManagedPlan, planNamesOf } from '../plans/managed-repository.ts'
import { nextDrillOf } from '../plans/next-drill.ts'
import { nextRunOf } from '../plans/next-run.ts'
import { type BackupPlan, retentionOf } from '../plans/plan.ts'
import { replacePlan } from '../plans/replace-plan.ts'
import { insertPlan, nameOfAnyPlan } from '../plans/repository.ts'
import { checkPlan } from '../plans/rules.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { notFound } from '../shared/request-error.ts'
import { isSameJson } from '../shared/same-json.ts'
import { createInstanceDirectory } from './instance-directory.ts'
import { itemsFor, type PlanTemplate, storeFor } from './template.ts'

/** A template that an instance is to be protected by. */
export interface TemplateApplication {
  instanceId: string
  /** What maintains the plan and its destination from then on: `policy:<id>`, for example. */
  managedBy: string
  /** Of plan and destination. Where another plan of the instance has it already, a number is added. */
  name: string
  template: PlanTemplate
  /** Whether the plan may be paused and resumed by hand. */
  mayPause: boolean
  /** Undefined: as it is, and running if it is new or was paused by an exemption. */
  paused?: boolean | undefined
  /** Where nothing of `managedBy` exists: a plan that is maintained by, or was released from, what begins so continues as this one. */
  takesOver?: string | undefined
  /** Whether a plan below the floor of a policy is refused, as those are that people write. */
  isFloorEnforced?: boolean | undefined
}

/** What an application left. */
export interface AppliedTemplate {
  planId: string
  destinationId: string
  /** Whether anything had to be changed. */
  isChanged: boolean
}

/** An application that passed all checks that need no lock. */
export interface PreparedTemplate extends TemplateApplication {
  wanted: WantedPlan
  destination: Pick<FileDestination, 'store' | 'bandwidthLimitBytesPerSecond' | 'quotaBytes'>
}

/** What a template says of a plan. */
type WantedPlan = Omit<PlanTemplate['plan'], 'items'> & { items: string[] }

/** What an instance has of a maintainer before a template is applied. */
export interface ManagedState {
  plan: BackupPlan | undefined
  destination: FileDestination | undefined
}

/** What an instance has of a maintainer, or what that would take over. */
export async function findManagedState(
  context: Pick<Context, 'database' | 'sealer'>,
  application: Pick<TemplateApplication, 'instanceId' | 'managedBy' | 'takesOver'>,
): Promise<ManagedState> {
  const plan = await findManagedPlan(context, application)
  return { plan, destination: await destinationOf(context, application, plan) }
}

async function destinationOf(
  context: Pick<Context, 'database' | 'sealer'>,
  application: Pick<TemplateApplication, 'instanceId' | 'managedBy'>,
  plan: BackupPlan | undefined,
): Promise<FileDestination | undefined> {
  if (plan === undefined) return findManagedDestination(context, application)
  const destination = (await destinationsById(context, [plan.destinationId])).get(plan.destinationId)
  return destination?.retiredAt === undefined ? destination : undefined
}

/** The plan and the destination that an instance gets. @throws {RequestError} If nothing is left to back up. */
export function resolveTemplate(
  instance: Pick<ServiceInstance, 'id' | 'items'>,
  { plan, destination }: PlanTemplate,
): Pick<PreparedTemplate, 'wanted' | 'destination'> {
  return {
    wanted: { ...plan, ...itemsFor(plan, instance) },
    destination: { ...destination, store: storeFor(destination, instance.id) },
  }
}

/**
 * Checks an application outside of any transaction, since names of servers are looked up.
 *
 * @throws {RequestError} If the instance is not registered, may not use the items, or the operator does not allow plan or store.
 */
export async function prepareTemplate(context: Context, application: TemplateApplication): Promise<PreparedTemplate> {
  const { instanceId, template } = application
  const instance = await findInstance(context, instanceId)
  if (instance === undefined) throw notFound('service instance', instanceId)
  const resolved = resolveTemplate(instance, template)
  const stored = await findManagedState(context, application)
  const added = resolved.wanted.items.filter((item) => !stored.plan?.items.includes(item))
  await requireSelectableItems(context, instance, added, 'items')
  checkPlan(resolved.wanted, context, stored.plan)
  if (!isSameJson(stored.destination?.store, resolved.destination.store)) {
    await checkStore(context, resolved.destination.store)
    await createInstanceDirectory(template.destination, instanceId)
  }
  if (application.isFloorEnforced === true) {
    const { wanted, destination } = resolved
    await requireAboveFloors(context, instanceId, {
      ...wanted,
      retention: retentionOf(wanted),
      store: destination.store,
    })
  }
  return { ...application, ...resolved }
}

/**
 * Gives an instance the plan and the destination of a template, or makes those that it has what the template says. Repeated, it
 * changes nothing. Restore points stay where they are: a template that stores elsewhere gets a new destination, and the former
 * one is retired.
 *
 * @throws {RequestError} If the instance is not registered any more, or another one uses its directory.
 */
export async function applyPrepared(tx: TransactionContext, prepared: PreparedTemplate): Promise<AppliedTemplate> {
  const instance = await lockInstance(tx, prepared.instanceId)
  if (instance === undefined) throw notFound('service instance', prepared.instanceId)
  const locked = await lockManagedPlan(tx, prepared)
  const former = await destinationOf(tx, prepared, locked?.plan)
  const destination = await applyDestination(tx, prepared, former)
  const plan = await applyPlan(tx, prepared, { locked, destinationId: destination.id })
  if (former !== undefined && former.id !== destination.id) await retireIfUnused(tx, former)
  return {
    planId: plan.id,
    destinationId: destination.id,
    isChanged: destination.isChanged || plan.isChanged,
  }
}

interface Applied {
  id: string
  isChanged: boolean
}

async function applyDestination(
  tx: TransactionContext,
  { instanceId, managedBy, name, destination: wanted }: PreparedTemplate,
  former: FileDestination | undefined,
): Promise<Applied> {
  // Besides the one of its plan, one that a plan left which was deleted with all others of its instance.
  const candidates = [former, await findManagedDestination(tx, { instanceId, managedBy })]
  const same = candidates.find((each) => each !== undefined && stores.isSamePlace(each.store, wanted.store))
  for (const each of candidates) {
    if (each?.managedBy !== undefined && each.id !== same?.id) await releaseDestination(tx, each.id)
  }
  if (same !== undefined) {
    const changed = { ...same, ...wanted, name, managedBy }
    if (isSameJson(changed, same)) return { id: same.id, isChanged: false }
    await lockDestination(tx, same.id)
    await updateDestination(tx, changed, undefined)
    return { id: same.id, isChanged: true }
  }
  const createdAt = await readClock(tx)
  const created = {
    ...wanted,
    ...{ id: newIdentifier(createdAt), version: 1, instanceId, name, managedBy, createdAt, retiredAt: undefined },
  }
  await lockDirectories(tx)
  await requireOwnDirectory(tx, created)
  await insertDestination(tx, created)
  return { id: created.id, isChanged: true }
}

async function applyPlan(
  tx: TransactionContext,
  prepared: PreparedTemplate,
  current: { locked: Awaited<ReturnType<typeof lockManagedPlan>>; destinationId: string },
): Promise<Applied> {
  const { instanceId, managedBy, mayPause, wanted } = prepared
  const { locked, destinationId } = current
  const name = await freeName(tx, prepared, locked?.plan.id)
  const fields = { ...wanted, instanceId, managedBy, mayPause, name, destinationId, releasedFrom: undefined }
  if (locked === undefined) {
    const createdAt = await readClock(tx)
    const isPaused = prepared.paused ?? false
    const unscheduled = { nextRunAt: undefined, retentionCountsFrom: undefined, version: 1 }
    const running = { ...fields, paused: isPaused }
    const nextDrillAt = nextDrillOf(running, createdAt)
    const plan = { ...running, ...unscheduled, id: newIdentifier(createdAt), createdAt, nextDrillAt }
    await insertPlan(tx, plan, nextRunOf({ ...plan, lastDueAt: undefined }, tx.settings, createdAt))
    return { id: plan.id, isChanged: true }
  }
  const { plan: stored } = locked
  const paused = prepared.paused ?? (stored.pausedBy === undefined && stored.paused)
  const privateKey = joinKeys(wanted.privateKey, stored.privateKey)
  const plan = { ...stored, ...fields, privateKey, paused, pausedBy: undefined }
  if (isSamePlan(plan, stored)) return { id: stored.id, isChanged: false }
  await replacePlan(tx, plan, locked)
  return { id: stored.id, isChanged: true }
}

/** Keys that are stored already stay: what was encrypted so far can be decrypted with them alone. */
function joinKeys(wanted: string | undefined, stored: string | undefined): string | undefined {
  const keys = [wanted, stored].flatMap((each) => each?.split(',') ?? []).map((key) => key.trim())
  return keys.length === 0 ? undefined : [...new Set(keys)].join(',')
}

const MAX_NAME_LENGTH = 200

async function freeName(
  tx: TransactionContext,
  { instanceId, name }: Pick<PreparedTemplate, 'instanceId' | 'name'>,
  planId: string | undefined,
): Promise<string> {
  const names = await planNamesOf(tx, instanceId)
  if (planId !== undefined) names.delete(planId)
  const taken = new Set(names.values())
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : ` (${number})`
    const candidate = name.slice(0, MAX_NAME_LENGTH - suffix.length) + suffix
    if (!taken.has(candidate)) return candidate
  }
}

/** What is stored there stays, also where another plan of the instance goes on storing there: then the destination is its own. */
async function retireIfUnused(tx: TransactionContext, former: FileDestination): Promise<void> {
  if (former.managedBy === undefined || (await nameOfAnyPlan(tx, { destinationId: former.id })) !== undefined) return
  await retireDestinations(tx, { id: former.id }, await readClock(tx))
}

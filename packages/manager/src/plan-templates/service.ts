import { isRetentionShorter } from '@osb-backup/core'
import { stores } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { managedDestinationIds, releaseDestinations } from '../destinations/managed-repository.ts'
import { lockDestination, retireDestinations } from '../destinations/repository.ts'
import { requireMayChooseDirectory } from '../destinations/rules.ts'
import { checkStore } from '../destinations/service.ts'
import { findInstance } from '../instances/repository.ts'
import { checkDrill } from '../plans/drill-rules.ts'
import { deleteManagedPlans, listManagedPlans, releasePlans } from '../plans/managed-repository.ts'
import { type BackupPlan, retentionOf } from '../plans/plan.ts'
import { type JudgedPoint, pointsUnder } from '../plans/preview.ts'
import { replacePlan } from '../plans/replace-plan.ts'
import { lockPlan, nameOfAnyPlan } from '../plans/repository.ts'
import { checkPlan } from '../plans/rules.ts'
import { notFound } from '../shared/request-error.ts'
import { isSameJson } from '../shared/same-json.ts'
import {
  type AppliedTemplate,
  applyPrepared,
  findManagedState,
  prepareTemplate,
  resolveTemplate,
  type TemplateApplication,
} from './apply.ts'
import { checkPlaceholders, type PlanTemplate, sampleStore } from './template.ts'

/**
 * Refuses a template that no instance could use.
 *
 * @param call - Who writes it, and must be allowed to choose directories; undefined: the operator, in a file.
 * @param stored - What it replaces; undefined: it is new.
 * @throws {RequestError} Naming the field within the template.
 */
export async function checkTemplate(
  context: Context,
  call: Call | undefined,
  template: PlanTemplate,
  stored?: PlanTemplate,
): Promise<void> {
  const { plan, destination } = template
  checkPlan({ ...plan, items: [...(plan.items ?? ['*'])] }, context, stored?.plan)
  if (call !== undefined) await checkDrill(context, call, plan, stored?.plan)
  checkPlaceholders(destination)
  if (call !== undefined && !(stored && stores.isSamePlace(stored.destination.store, destination.store))) {
    requireMayChooseDirectory(context, call, destination.store)
  }
  await checkStore(context, sampleStore(destination))
}

/**
 * Gives an instance the plan and the destination of a template, or makes those that it has what the template says. Repeated, it
 * changes nothing.
 *
 * @param call - Recorded in the audit log; undefined: the manager does it by itself.
 * @throws {RequestError} If the instance cannot be protected so.
 */
export async function applyTemplate(
  context: Context,
  call: Call | undefined,
  application: TemplateApplication,
): Promise<AppliedTemplate> {
  const prepared = await prepareTemplate(context, application)
  return inAuditedTransaction(context, call, (tx) => applyPrepared(tx, prepared))
}

/** What applying a template would do to an instance. */
export interface TemplatePreview {
  effect: 'create' | 'change' | 'none'
  /** What of the plan would change: `schedule`, `retention`, `destination` … */
  changes: string[]
  /** Whether restore points might be deleted that are kept at present. */
  isRetentionShorter: boolean
  /** The plan that it has. */
  plan: BackupPlan | undefined
  /** The restore points of that plan, and why each would be kept; for no reason: it would not. */
  restorePoints: JudgedPoint[]
}

/** Computes what applying a template would do. Nothing is stored or deleted. @throws {RequestError} As `applyTemplate`. */
export async function previewTemplate(context: Context, application: TemplateApplication): Promise<TemplatePreview> {
  const instance = await findInstance(context, application.instanceId)
  if (instance === undefined) throw notFound('service instance', application.instanceId)
  const { wanted, destination } = resolveTemplate(instance, application.template)
  const stored = await findManagedState(context, application)
  if (stored.plan === undefined) {
    return { effect: 'create', changes: [], isRetentionShorter: false, plan: undefined, restorePoints: [] }
  }
  const changes: string[] = planParts.flatMap(([part, fields]) =>
    fields.every((field) => isSameJson(wanted[field], stored.plan?.[field])) ? [] : [part],
  )
  const isSamePlace =
    stored.destination !== undefined && stores.isSamePlace(stored.destination.store, destination.store)
  if (!isSamePlace) changes.push('destination')
  const retention = retentionOf(wanted)
  return {
    effect: changes.length > 0 || stored.plan.managedBy !== application.managedBy ? 'change' : 'none',
    changes,
    isRetentionShorter: isRetentionShorter(retention, retentionOf(stored.plan)),
    plan: stored.plan,
    restorePoints: changes.includes('retention') ? await pointsUnder(context, stored.plan, retention) : [],
  }
}

/** The parts of a plan that people know, and the fields that they consist of. */
const planParts = [
  ['items', ['items', 'excludedItems']],
  ['schedule', ['frequency', 'timezone']],
  // By the clocks of the schedule.
  ['retention', ['retention', 'timezone']],
  ['compression', ['compression', 'compressor']],
  ['encryption', ['publicKey']],
  ['rpo', ['rpoSeconds']],
  ['retries', ['retries']],
  ['parallelItems', ['parallelItems']],
  ['drill', ['drill']],
] as const

/** What becomes of plans that nothing maintains any more. Their restore points stay in every case. */
export type Removal = 'keep' | 'pause' | 'delete'

/**
 * Ends what a maintainer has given to instances. `keep` leaves the plans as they are, for people to change, and whatever takes
 * them over later continues them; `pause` also pauses them; `delete` deletes them and retires their destinations. Restore
 * points stay.
 *
 * @param instanceId - Undefined: of all instances.
 */
export async function removeTemplate(
  tx: TransactionContext,
  { managedBy, instanceId }: { managedBy: string; instanceId?: string | undefined },
  removal: Removal,
): Promise<void> {
  if (removal === 'delete') {
    await deleteManagedPlans(tx, { managedBy, instanceId })
    await retireUnused(tx, managedBy, instanceId)
    return
  }
  if (removal === 'pause') {
    for (const { planId, instanceId: of } of await listManagedPlans(tx, managedBy)) {
      if (instanceId === undefined || of === instanceId) await pauseManagedPlan(tx, planId, undefined)
    }
  }
  await releasePlans(tx, managedBy, instanceId)
  await releaseDestinations(tx, managedBy, instanceId)
}

/** A destination that another plan of its instance uses becomes that instance's own. */
async function retireUnused(tx: TransactionContext, managedBy: string, instanceId: string | undefined): Promise<void> {
  const now = await readClock(tx)
  for (const id of await managedDestinationIds(tx, managedBy, instanceId)) {
    await lockDestination(tx, id)
    if ((await nameOfAnyPlan(tx, { destinationId: id })) === undefined) await retireDestinations(tx, { id }, now)
  }
  await releaseDestinations(tx, managedBy, instanceId)
}

/**
 * Pauses a plan that something maintains, unless it is paused already.
 *
 * @param pausedBy - Resumed by the next application of its template; undefined: only by hand.
 * @returns Whether it ran.
 */
export async function pauseManagedPlan(
  tx: TransactionContext,
  planId: string,
  pausedBy: BackupPlan['pausedBy'],
): Promise<boolean> {
  const locked = await lockPlan(tx, planId)
  if (locked === undefined || locked.plan.paused) return false
  await replacePlan(tx, { ...locked.plan, paused: true, pausedBy }, locked)
  return true
}

import { isItemPattern } from '@osb-backup/core'
import type { PlanTemplate as WireTemplate } from '@osb-backup/protocol/v1'
import { directoryStore } from '@osb-backup/storage'
import type { Context, TransactionContext } from '../context/context.ts'
import { applyPrepared, type PreparedTemplate, prepareTemplate } from '../plan-templates/apply.ts'
import { templateFromWire } from '../plan-templates/codec.ts'
import { removeTemplate } from '../plan-templates/service.ts'
import { checkPlaceholders } from '../plan-templates/template.ts'
import { checkSchedule } from '../plans/rules.ts'
import { RequestError } from '../shared/request-error.ts'
import type { BrokerInstance } from './broker-instance.ts'
import type { CatalogPlan } from './catalog-schema.ts'
import type { InstanceParameters } from './parameters.ts'

/** What maintains the backup plan of a broker instance, and alone changes it. */
const maintainerOf = (id: string): string => `broker:${id}`

/** What an instance is to be protected by. */
export interface Protection {
  id: string
  serviceName: string
  plan: CatalogPlan
  parameters: InstanceParameters
  /** Whether its schedule is paused; undefined: as it is. */
  paused: boolean | undefined
}

/**
 * Checks, outside of any transaction, what a protection needs.
 *
 * @throws {RequestError} If the service instance cannot be protected so.
 */
export async function prepareProtection(
  context: Context,
  { id, serviceName, plan, parameters, paused }: Protection,
): Promise<PreparedTemplate> {
  const wire = templateOf(context, plan, parameters)
  if (parameters.schedule !== undefined) requireInterval(context, plan, wire)
  const prepared = prepareTemplate(context, {
    instanceId: parameters.service_instance,
    managedBy: maintainerOf(id),
    name: `${serviceName} ${plan.name}`,
    template: templateFromWire(wire),
    mayPause: true,
    paused,
  })
  return prepared.catch((error: unknown) => {
    // The platform asked for a service instance of its own, which does exist.
    if (!(error instanceof RequestError) || error.code !== 'not-found') throw error
    throw new RequestError('invalid', error.message, { field: 'parameters.service_instance', cause: error })
  })
}

/** The template of a plan with what its user chose. */
function templateOf({ settings }: Context, plan: CatalogPlan, chosen: InstanceParameters): WireTemplate {
  const { template } = plan.backup
  const items = chosen.items ?? template.items
  const hasPattern = items === undefined || items.some(isItemPattern)
  const excludedItems = chosen.excluded_items ?? (hasPattern ? template.excludedItems : undefined)
  return {
    ...template,
    items,
    excludedItems,
    schedule: { ...template.schedule, ...chosen.schedule },
    destination: template.destination ?? defaultDestination(settings.fileDestinationRoot, plan),
  }
}

function defaultDestination(root: string | undefined, plan: CatalogPlan): WireTemplate['destination'] {
  if (root !== undefined) return { store: directoryStore(`${root.replace(/\/$/, '')}/broker-{instanceId}`) }
  const message = `The plan ${plan.name} stores nowhere: its operator sets a destination in BROKER_CATALOG, or FILE_DESTINATION_ROOT.`
  throw new RequestError('invalid', message)
}

function requireInterval(context: Context, { name, backup }: CatalogPlan, { schedule }: WireTemplate): void {
  const wanted = { frequency: schedule.cron, timezone: schedule.timezone ?? 'UTC' }
  const { shortestIntervalSeconds: shortest } = checkSchedule(wanted, context)
  const { minimumIntervalSeconds: minimum } = backup.limits
  if (shortest >= minimum) return
  const message = `The schedule runs every ${shortest} seconds; the plan ${name} requires at least ${minimum} between two runs.`
  throw new RequestError('invalid', message, { field: 'parameters.schedule' })
}

/** Creates or changes the backup plan of a broker instance. Returns its id. */
export async function protect(tx: TransactionContext, prepared: PreparedTemplate): Promise<string> {
  return (await applyPrepared(tx, prepared)).planId
}

/** Deletes the backup plan of a broker instance; its restore points stay. */
export async function unprotect(
  tx: TransactionContext,
  { id, protectedInstanceId: instanceId }: BrokerInstance,
): Promise<void> {
  await removeTemplate(tx, { managedBy: maintainerOf(id), instanceId }, 'delete')
}

/** Refuses a catalog with a plan that no instance could use. @throws {RequestError} Naming the field. */
export function checkCatalogTemplate({ backup }: CatalogPlan): void {
  const { destination } = backup.template
  if (destination !== undefined) checkPlaceholders(templateFromWire({ ...backup.template, destination }).destination)
}

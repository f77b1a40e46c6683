import { inAuditedTransaction } from '../audit/service.ts'
import { nextRunOf } from '../plans/next-run.ts'
import { type BackupPlan, DEFAULT_RETRIES } from '../plans/plan.ts'
import { insertPlan, plansOfInstance } from '../plans/repository.ts'
import { checkPlan, checkSchedule } from '../plans/rules.ts'
import { plansById } from '../plans/service.ts'
import { RequestError } from '../shared/request-error.ts'
import { type Import, keyOf } from './import-context.ts'
import type { OldPlan } from './old-documents.ts'

const HOUR_MS = 3_600_000
/** Of a plan whose own schedule cannot be used; it is paused. */
const FALLBACK = { frequency: '0 0 2 * * *', timezone: 'UTC', paused: true }

/** Imports a plan under its id, which the names of its objects begin with. One that is stored already stays as it is. */
export async function importPlan(
  running: Import,
  old: OldPlan,
  destinations: ReadonlyMap<string, unknown>,
): Promise<void> {
  const { context, call, apply, report, instances, plans, now } = running
  const { _id: id, serviceInstance: instanceId, fileDestination: destinationId } = old
  const stored = (await plansById(context, [id])).get(id)
  if (stored !== undefined) {
    plans.set(id, stored)
    return report.add('plan', id, 'unchanged')
  }
  // Also where the plan itself is not imported: its restore points are.
  plans.set(id, { compression: old.compression, publicKey: keyOf(old.publicKey), destinationId })
  try {
    if (!instances.has(instanceId)) throw refused(`its service instance ${instanceId} is not registered`)
    if (!destinations.has(destinationId)) throw refused(`its destination ${destinationId} was not imported`)
    const { plan, changes } = await toPlan(running, old)
    checkPlan(plan, context, plan)
    const next = nextRunOf({ ...plan, lastDueAt: undefined }, context.settings, now)
    if (apply) await inAuditedTransaction(context, call, (tx) => insertPlan(tx, plan, next))
    report.add('plan', id, 'imported', changes)
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    report.add('plan', id, 'skipped', error.message)
  }
}

async function toPlan({ context, now }: Import, old: OldPlan): Promise<{ plan: BackupPlan; changes: string[] }> {
  const { frequency, timezone, paused, change } = scheduleOf(context, old)
  const { name = old._id, retentionStyle, retentionPeriod, items } = old
  if (!items?.length) throw refused('it names no items; its restore points are imported')
  const changes = change === undefined ? [] : [change]
  const keepsAll = retentionStyle === 'ALL' || retentionPeriod < 1
  if (keepsAll && retentionStyle !== 'ALL') changes.push('its retention has no period: it keeps everything')
  const isTaken = (await plansOfInstance(context, old.serviceInstance)).some((each) => each.name === name)
  if (isTaken) changes.push(`its name is taken: it is called ${JSON.stringify(`${name} (${old._id})`)}`)
  const graceMs = context.settings.retentionChangeGraceHours * HOUR_MS
  const plan: BackupPlan = {
    id: old._id,
    version: 1,
    instanceId: old.serviceInstance,
    destinationId: old.fileDestination,
    name: isTaken ? `${name} (${old._id})` : name,
    paused,
    compression: old.compression,
    compressor: { algorithm: 'gzip', level: undefined },
    frequency,
    timezone,
    retention: keepsAll ? { style: 'ALL', period: 1 } : { style: retentionStyle, period: retentionPeriod },
    items: [...new Set(items)],
    publicKey: keyOf(old.publicKey),
    privateKey: keyOf(old.privateKey),
    rpoSeconds: undefined,
    retries: DEFAULT_RETRIES,
    parallelItems: 1,
    excludedItems: [],
    createdAt: now,
    nextRunAt: undefined,
    retentionCountsFrom: new Date(now.getTime() + graceMs),
  }
  return { plan, changes }
}

function scheduleOf(
  context: Import['context'],
  { frequency, timezone = 'UTC', paused }: OldPlan,
): { frequency: string; timezone: string; paused: boolean; change?: string } {
  try {
    checkSchedule({ frequency, timezone }, context)
    return { frequency, timezone, paused }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    return {
      ...FALLBACK,
      change: `${error.message} It is paused, with the schedule ${JSON.stringify(FALLBACK.frequency)}`,
    }
  }
}

const refused = (reason: string) => new RequestError('invalid', reason)

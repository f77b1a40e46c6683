import { isDeepStrictEqual } from 'node:util'
import type { DrillCheck, DrillSettings } from '@osb-backup/protocol/v1'
import { authorizeReferredInstance, type Call, unknownInstance } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance } from '../instances/repository.ts'
import { RequestError } from '../shared/request-error.ts'
import { isServiceBroker } from './drill-targets-repository.ts'
import type { BackupPlan } from './plan.ts'
import { checkSchedule } from './rules.ts'

/**
 * Refuses drills that could not run, or that would restore into an instance that the caller was not granted.
 *
 * @param stored - The plan that it replaces. An unchanged target is not checked: otherwise a plan could not even be paused once its target is
 *   deleted.
 * @throws {RequestError} Naming the field.
 */
export async function checkDrill(
  context: Context,
  call: Call,
  { drill }: Pick<BackupPlan, 'drill'>,
  stored?: Pick<BackupPlan, 'drill'>,
): Promise<void> {
  if (drill === undefined) return
  const { checks = [], schedule, target } = drill
  const twice = checks.find(({ name }, index) => checks.findIndex((each) => each.name === name) !== index)
  if (twice !== undefined) throw wrong('drill.checks', `Two checks have the name ${JSON.stringify(twice.name)}.`)
  for (const [index, check] of checks.entries()) requireComplete(check, `drill.checks.${index}`)
  if (schedule !== undefined && !isDeepStrictEqual(schedule, stored?.drill?.schedule))
    checkDrillSchedule(context, schedule)
  if (!isDeepStrictEqual(target, stored?.drill?.target)) await checkTarget(context, call, target)
}

function requireComplete({ kind = 'statement', statement, expected, minimum }: DrillCheck, field: string): void {
  if (kind === 'statement' && statement === undefined) {
    throw wrong(`${field}.statement`, 'A check of the kind statement needs a statement.')
  }
  if (kind === 'row-counts' && (statement ?? expected ?? minimum) !== undefined) {
    throw wrong(`${field}.kind`, 'A check of the kind row-counts has no statement and no expected result.')
  }
}

function checkDrillSchedule(
  context: Context,
  { cron, timezone = 'UTC' }: NonNullable<DrillSettings['schedule']>,
): void {
  try {
    checkSchedule({ frequency: cron, timezone }, context)
  } catch (error) {
    if (!(error instanceof RequestError) || error.field === undefined) throw error
    throw new RequestError(error.code, error.message, { field: `drill.${error.field}`, cause: error })
  }
}

async function checkTarget(context: Context, call: Call, target: DrillSettings['target']): Promise<void> {
  if (target.kind === 'service-broker') return checkBroker(context, target.serviceBrokerId)
  const { instanceId } = target
  const field = 'drill.target.instanceId'
  const { instanceId: own } = call.audit
  await authorizeReferredInstance(call, instanceId, field)
  // The audit entry is about the instance of the plan.
  call.audit.instanceId = own
  const instance = await findInstance(context, instanceId)
  if (instance === undefined) throw unknownInstance(instanceId, field)
  if (instance.drillTarget) return
  const message = `The service instance ${JSON.stringify(instanceId)} is not marked as a drill target (\`drillTarget\`): what it holds could be overwritten.`
  throw wrong(field, message)
}

async function checkBroker(context: Context, id: string | undefined): Promise<void> {
  if (id === undefined || (await isServiceBroker(context, id))) return
  throw wrong('drill.target.serviceBrokerId', `There is no service broker ${JSON.stringify(id)}.`)
}

/** @throws {RequestError} If drills restore into an instance, so that there is nothing to back up. */
export function requireNoDrillTarget({ id, drillTarget }: Pick<ServiceInstance, 'id' | 'drillTarget'>): void {
  if (!drillTarget) return
  const message = `The service instance ${JSON.stringify(id)} is a drill target: what it holds is thrown away, and cannot be backed up.`
  throw wrong('instanceId', message)
}

const wrong = (field: string, message: string): RequestError => new RequestError('invalid', message, { field })

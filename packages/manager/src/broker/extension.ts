import { isOver } from '@osb-backup/protocol'
import type { Call } from '../access/call.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { findBrokerOf, instancesById } from '../instances/repository.ts'
import type { Job } from '../jobs/job.ts'
import { getJob } from '../jobs/service.ts'
import { startBackup } from '../jobs/start-backup.ts'
import { startRestore } from '../jobs/start-restore.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { plansOfInstance } from '../plans/repository.ts'
import { updatePlan } from '../plans/service.ts'
import { removeFiles } from '../removals/service.ts'
import { findPoint } from '../restore-points/repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { getPoint } from '../restore-points/service.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Broker } from './broker.ts'
import { BrokerError } from './broker-error.ts'
import type { BrokerInstance } from './broker-instance.ts'
import { isOwn, type PlatformCall } from './platform-call.ts'
import { findBrokerInstance } from './repository.ts'
import { authorizeProtection } from './rights.ts'
import { noInstance, updateBrokerInstance } from './service.ts'

/** What a call of the backup extension is about. */
export interface BackupSubject {
  /** The service instance that is backed up; it may have been deleted, then there are only its backups. */
  instanceId: string
  /** The instance of the manager's own broker that protects it; undefined: the platform, or its broker, named the former itself. */
  brokerInstance: BrokerInstance | undefined
}

/**
 * Finds what an id means in the path of the extension: an instance of the manager's own broker, or a service instance that another
 * broker registered and passes the calls of its platform on for.
 *
 * @throws {BrokerError} `NotFound`, if there is neither for this caller.
 */
export async function findSubject({ context }: Broker, platform: PlatformCall, id: string): Promise<BackupSubject> {
  const brokerInstance = await findBrokerInstance(context, id)
  const own = brokerInstance !== undefined && isOwn(platform, brokerInstance) ? brokerInstance : undefined
  const instanceId = own?.protectedInstanceId ?? id
  const isKnown = own !== undefined || (await findBrokerOf(context, id)) !== undefined
  if (!isKnown || !(await platform.call.caller.isGranted(instanceId, platform.call.use))) throw noInstance(id)
  platform.call.audit.instanceId = instanceId
  return { instanceId, brokerInstance: own }
}

/** A backup of the subject. @throws {RequestError} If there is none of that id. */
export async function getBackup(
  { context }: Broker,
  { call }: PlatformCall,
  { instanceId }: BackupSubject,
  id: string,
): Promise<RestorePoint> {
  const point = await getPoint(context, call, id)
  if (point.instanceId === instanceId) return point
  throw new BrokerError('NotFound', `The service instance has no backup ${JSON.stringify(id)}.`)
}

/** The plan that backs up the subject. @throws {BrokerError} If there is none, or several and none is named. */
export async function getSubjectPlan(
  { context }: Broker,
  { instanceId, brokerInstance }: BackupSubject,
  named: string | undefined,
): Promise<BackupPlan> {
  const plans = await plansOfInstance(context, instanceId)
  const wanted = named ?? brokerInstance?.backupPlanId
  const [plan, ...others] = wanted === undefined ? plans : plans.filter(({ id }) => id === wanted)
  if (plan === undefined) throw new BrokerError('NotFound', 'The service instance has no such backup plan.')
  if (others.length === 0) return plan
  const message = `The service instance has ${plans.length} backup plans: name one of them as plan_id.`
  throw new RequestError('invalid', message, { field: 'plan_id' })
}

/** Starts a backup. @throws {RequestError} If a job works on the database already. */
export async function startSubjectBackup(
  broker: Broker,
  { call }: PlatformCall,
  subject: BackupSubject,
  { planId, key }: { planId: string | undefined; key: IdempotencyKey | undefined },
): Promise<Job> {
  return startBackup(broker.context, call, await getSubjectPlan(broker, subject, planId), { key })
}

/** What a restore writes; what is undefined stays where it was. */
export interface SubjectRestore {
  database: string | undefined
  instanceId: string | undefined
  key: IdempotencyKey | undefined
}

/**
 * Starts a restore, into the same or another service instance.
 *
 * @throws {RequestError} If the user may not change the other one.
 */
export async function startSubjectRestore(
  broker: Broker,
  platform: PlatformCall,
  subject: BackupSubject,
  point: RestorePoint,
  { database = point.item, instanceId = subject.instanceId, key }: SubjectRestore,
): Promise<Job> {
  if (instanceId !== subject.instanceId) {
    const spaceGuid = await spaceOf(broker, subject)
    await authorizeProtection(broker, platform, { instanceId, spaceGuid }, 'service_instance')
  }
  const restore = { instanceId, items: [{ point, database }] as const, privateKey: undefined }
  return startRestore(broker.context, platform.call, restore, key)
}

async function spaceOf({ context }: Broker, { instanceId, brokerInstance }: BackupSubject): Promise<string> {
  if (brokerInstance !== undefined) return brokerInstance.spaceGuid
  return (await instancesById(context, [instanceId])).get(instanceId)?.spaceGuid ?? ''
}

/** Deletes a backup. @throws {RequestError} If the operator does not allow that, or it is held or being restored. */
export async function deleteBackup({ context }: Broker, { call }: PlatformCall, point: RestorePoint): Promise<void> {
  if (context.settings.brokerDeleteBackups === 'forbid') {
    throw new RequestError('forbidden', 'The operator does not allow that platforms delete backups.')
  }
  await removeFiles(context, mayDelete(call), [point])
}

/** Accounts of platforms have no permissions of their own: the setting decides for all of them. */
const mayDelete = (call: Call): Call => ({ ...call, caller: { ...call.caller, permissions: ['delete-backups'] } })

/** A backup or restore of the subject. @throws {BrokerError} `NotFound`, if there is none of that id. */
export async function getOperation(
  broker: Broker,
  { call }: PlatformCall,
  { instanceId }: BackupSubject,
  id: string,
): Promise<{ job: Job; state: 'in progress' | 'succeeded' | 'failed' }> {
  const job = await getJob(broker.context, call, id)
  // A restore into another instance is found at the one that is restored, too.
  const isOf =
    job.instanceId === instanceId || (job.kind === 'restore' && (await isRestoredFrom(broker, job, instanceId)))
  if (!isOf) throw new BrokerError('NotFound', `The service instance has no operation ${JSON.stringify(id)}.`)
  if (!isOver(job.status)) return { job, state: 'in progress' }
  return { job, state: job.status === 'SUCCEEDED' ? 'succeeded' : 'failed' }
}

async function isRestoredFrom(
  { context }: Broker,
  { parts: [part] }: Extract<Job, { kind: 'restore' }>,
  instanceId: string,
): Promise<boolean> {
  return part !== undefined && (await findPoint(context, part.restorePointId))?.instanceId === instanceId
}

/** When the subject is backed up. */
export interface ScheduleChange {
  cron?: string | undefined
  timezone?: string | undefined
  paused?: boolean | undefined
}

/** Changes when the subject is backed up, within what its plan allows. Returns its backup plan. */
export async function changeSchedule(
  broker: Broker,
  platform: PlatformCall,
  subject: BackupSubject,
  { cron, timezone, paused }: ScheduleChange,
): Promise<BackupPlan> {
  const { brokerInstance } = subject
  const plan = await getSubjectPlan(broker, subject, undefined)
  const isRescheduled = cron !== undefined || timezone !== undefined
  if (brokerInstance === undefined) {
    const changed = { ...plan, frequency: cron ?? plan.frequency, timezone: timezone ?? plan.timezone }
    return updatePlan(broker.context, platform.call, { ...changed, paused: paused ?? plan.paused }, plan.version)
  }
  const schedule = { cron: cron ?? plan.frequency, timezone: timezone ?? plan.timezone }
  await updateBrokerInstance(broker, platform, {
    id: brokerInstance.id,
    serviceId: brokerInstance.serviceId,
    planId: undefined,
    context: undefined,
    parameters: { ...(isRescheduled && { schedule }), ...(paused !== undefined && { paused }) },
    maintenanceVersion: undefined,
  })
  return getSubjectPlan(broker, subject, undefined)
}

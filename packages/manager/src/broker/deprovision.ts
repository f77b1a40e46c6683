import { inAuditedTransaction } from '../audit/service.ts'
import type { TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { findInstance } from '../instances/repository.ts'
import { openJobsOfPlans } from '../jobs/open-jobs-repository.ts'
import { requireNoOpenJob } from '../lifecycle/delete-plan.ts'
import { allButNewest } from '../lifecycle/deprovision.ts'
import { keepFilesUntil } from '../lifecycle/kept-files-repository.ts'
import { findPlan } from '../plans/repository.ts'
import { requestRemoval, requireNoneRestored } from '../removals/service.ts'
import { pointsOf } from '../restore-points/repository.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { RequestError } from '../shared/request-error.ts'
import { withdrawToken } from '../tokens/service.ts'
import { tokenIdsOf } from './bindings-repository.ts'
import type { Broker } from './broker.ts'
import { BrokerError } from './broker-error.ts'
import type { BrokerInstance, DeprovisionOperation, FilePolicy } from './broker-instance.ts'
import { isOwn, type PlatformCall } from './platform-call.ts'
import { unprotect } from './protection.ts'
import * as repository from './repository.ts'

const DAY_MS = 86_400_000
/** Of plans that are no longer in the catalog. */
const DEFAULT_TIME_LIMIT_SECONDS = 21_600

/** What a platform asks for when it deprovisions. */
export interface DeprovisionRequest {
  id: string
  serviceId: string
  /** Whether it waits for an operation that takes a while. */
  acceptsIncomplete: boolean
}

/**
 * Deprovisions an instance: deletes its backup plan and its bindings, and keeps or deletes its files as its plan says. Where a last
 * backup is taken first, or a job still works on the plan, that takes a while.
 *
 * @returns The operation that does it; undefined: it is done.
 * @throws {BrokerError} `Gone`, if there is no such instance.
 */
export async function deprovision(
  { context, catalog }: Broker,
  platform: PlatformCall,
  { id, serviceId, acceptsIncomplete }: DeprovisionRequest,
): Promise<DeprovisionOperation | undefined> {
  return inAuditedTransaction(context, platform.call, async (tx) => {
    await repository.lockInstanceId(tx, id)
    const instance = await repository.lockBrokerInstance(tx, id)
    if (instance === undefined || !isOwn(platform, instance)) {
      throw new BrokerError('Gone', `There is no service instance ${JSON.stringify(id)}.`)
    }
    platform.call.audit.instanceId = instance.protectedInstanceId
    if (instance.serviceId !== serviceId) {
      throw new RequestError('invalid', 'The service instance is of another service.', { field: 'service_id' })
    }
    const isRunning = instance.state === 'deprovisioning'
    const plan = catalog.findPlan(instance.serviceId, instance.planId)
    const policy = plan?.backup.deprovision
    const files: FilePolicy = { files: policy?.files ?? 'keep', keepDays: policy?.keepDays }
    const lastBackup = instance.parameters.last_backup ?? policy?.lastBackup ?? false
    const takesLastBackup = lastBackup && (await canBackUp(tx, instance))
    const isBusy = files.files === 'delete' && (await isInUse(tx, instance))
    if (!isRunning && !takesLastBackup && !isBusy) {
      await complete(tx, instance, { ...files, lastBackup })
      return undefined
    }
    if (!acceptsIncomplete) {
      const message = 'A last backup is taken, or a job has to end: this needs a platform that waits for operations.'
      throw new BrokerError('AsyncRequired', message)
    }
    if (isRunning) return instance.operation
    const now = await readClock(tx)
    const operation: DeprovisionOperation = {
      id: newIdentifier(now),
      state: 'in progress',
      description: takesLastBackup ? 'A last backup is taken.' : 'A job that works on the backups has to end.',
      ...files,
      lastBackup,
      jobId: undefined,
      deadlineAt: new Date(
        now.getTime() + (policy?.timeLimitSeconds ?? DEFAULT_TIME_LIMIT_SECONDS) * 1000,
      ).toISOString(),
    }
    await repository.updateBrokerInstance(tx, { ...instance, state: 'deprovisioning', operation })
    return operation
  })
}

async function canBackUp(tx: TransactionContext, { backupPlanId, protectedInstanceId }: BrokerInstance) {
  const plan = await findPlan(tx, backupPlanId)
  return plan !== undefined && (await findInstance(tx, protectedInstanceId)) !== undefined
}

/** Whether a job still stores files of the plan, or reads them. */
async function isInUse(tx: TransactionContext, { backupPlanId }: BrokerInstance): Promise<boolean> {
  if ((await openJobsOfPlans(tx, [backupPlanId])).size > 0) return true
  const pointIds = (await pointsOf(tx, { planId: backupPlanId })).map((point) => point.id)
  return requireNoneRestored(tx, pointIds).then(
    () => false,
    (error: unknown) => {
      if (error instanceof RequestError) return true
      throw error
    },
  )
}

/**
 * Deletes an instance whose row is locked.
 *
 * @throws {RequestError} `conflict`, if files are to be deleted that a job stores or reads.
 */
export async function complete(
  tx: TransactionContext,
  instance: BrokerInstance,
  { files, keepDays, lastBackup }: FilePolicy & { lastBackup: boolean },
): Promise<void> {
  const { id, backupPlanId, protectedInstanceId: instanceId } = instance
  const now = await readClock(tx)
  // Before its files are looked for: no job of it starts from here on.
  await unprotect(tx, instance)
  if (files === 'delete') {
    await requireNoOpenJob(tx, [backupPlanId])
    const points = await pointsOf(tx, { planId: backupPlanId })
    // A last backup is requested in order to have one.
    const pointIds = (lastBackup ? allButNewest(points, now) : points).map((point) => point.id)
    await requireNoneRestored(tx, pointIds)
    await requestRemoval(tx, pointIds, 'DEPROVISIONED')
  } else if (keepDays !== undefined) {
    const deleteAt = new Date(now.getTime() + keepDays * DAY_MS)
    await keepFilesUntil(tx, { planId: backupPlanId, instanceId }, deleteAt)
  }
  for (const tokenId of await tokenIdsOf(tx, id)) await withdrawToken(tx, tokenId)
  await repository.deleteBrokerInstance(tx, id)
}

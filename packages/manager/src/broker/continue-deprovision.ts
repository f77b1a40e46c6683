import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import { followLastBackup, type LastBackup } from '../lifecycle/last-backup.ts'
import { RequestError } from '../shared/request-error.ts'
import type { BrokerInstance, DeprovisionOperation } from './broker-instance.ts'
import { complete } from './deprovision.ts'
import * as repository from './repository.ts'

const BATCH_SIZE = 50

/**
 * Takes the next step of every deprovisioning that is in progress. Each step can be repeated, so any manager continues what another
 * one began.
 */
export async function continueDeprovisioning(context: Context, signal: AbortSignal): Promise<void> {
  for (let after = ''; ; ) {
    const instances = await repository.instancesInProgress(context, after, BATCH_SIZE)
    for (const instance of instances) {
      signal.throwIfAborted()
      await continueOne(context, instance).catch((error: unknown) =>
        context.log.error({ err: error, brokerInstanceId: instance.id }, 'deprovisioning does not continue; retrying'),
      )
    }
    const last = instances.at(-1)
    if (last === undefined || instances.length < BATCH_SIZE) return
    after = last.id
  }
}

async function continueOne(context: Context, instance: BrokerInstance): Promise<void> {
  const { id, operation } = instance
  if (operation === undefined) return
  const backup = operation.lastBackup ? await takeLastBackup(context, instance, operation) : { state: 'done' as const }
  if (backup.state === 'failed') return fail(context, id, operation, backup.reason)
  if (backup.state === 'done' && (await tryToComplete(context, id, operation))) {
    context.log.info({ brokerInstanceId: id }, 'service instance deprovisioned')
    return
  }
  const isLate = (await readClock(context)) > new Date(operation.deadlineAt)
  const reason = backup.state === 'done' ? 'a job still works on its backups' : 'the last backup took too long'
  if (isLate) await fail(context, id, operation, reason)
}

async function takeLastBackup(
  context: Context,
  { id, backupPlanId: planId }: BrokerInstance,
  operation: DeprovisionOperation,
): Promise<LastBackup> {
  const { id: operationId, jobId } = operation
  const backup = await followLastBackup(context, { operationId, planId, jobId })
  if (backup.state === 'waiting' && backup.jobId !== undefined && backup.jobId !== jobId) {
    const description = `The last backup (job ${backup.jobId}) is taken.`
    await repository.updateOperation(context, { id, operation: { ...operation, jobId: backup.jobId, description } })
  }
  return backup
}

/** Returns false if a job has to end first. */
async function tryToComplete(context: Context, id: string, operation: DeprovisionOperation): Promise<boolean> {
  try {
    await inTransaction(context, async (tx) => {
      const locked = await repository.lockBrokerInstance(tx, id)
      // Another manager may have been faster.
      if (locked?.state === 'deprovisioning' && locked.operation?.id === operation.id) {
        await complete(tx, locked, operation)
      }
    })
    return true
  } catch (error) {
    if (error instanceof RequestError && error.code === 'conflict') return false
    throw error
  }
}

/** Ends an operation; everything stays as it was. */
async function fail(context: Context, id: string, operation: DeprovisionOperation, reason: string): Promise<void> {
  const description = `Nothing was deleted, since ${reason}.`
  await repository.updateOperation(context, { id, operation: { ...operation, state: 'failed', description } })
  context.log.warn({ brokerInstanceId: id, reason }, 'deprovisioning failed')
}

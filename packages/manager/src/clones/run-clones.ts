import { isItemPattern } from '@osb-backup/core'
import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import { findInstance, instancesById } from '../instances/repository.ts'
import { cancelOpenJob, findJob } from '../jobs/service.ts'
import { startRestore } from '../jobs/start-restore.ts'
import { findPoint } from '../restore-points/repository.ts'
import {
  findInstanceFor,
  QuotaReached,
  releaseInstanceOf,
  requestInstance,
  revealInstanceOf,
} from '../service-brokers/provisioned-service.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Clone } from './clone.ts'
import * as repository from './repository.ts'

const MOST_AT_ONCE = 50

/** Another manager did the step. */
class StepTaken extends Error {}

/**
 * Brings every clone that has not ended closer to its end. Each step may be repeated, by any manager: what it starts is recorded in the
 * transaction that stores it, or under an id that the clone determines.
 */
export async function runClones(context: Context, signal: AbortSignal): Promise<void> {
  const clones = await repository.openClones(context, MOST_AT_ONCE)
  await Promise.all(clones.map((clone) => advance(context, clone, signal)))
}

async function advance(context: Context, clone: Clone, signal: AbortSignal): Promise<void> {
  try {
    if (clone.state === 'restoring') await followRestore(context, clone)
    else if (clone.cancelledBy !== undefined) await fail(context, clone, `Cancelled by ${clone.cancelledBy}.`)
    else await prepare(context, clone, signal)
  } catch (error) {
    if (error instanceof StepTaken || signal.aborted) return
    if (error instanceof RequestError) return fail(context, clone, error.message)
    context.log.warn({ err: error, cloneId: clone.id }, 'a step of a clone failed; retrying')
  }
}

async function prepare(context: Context, clone: Clone, signal: AbortSignal): Promise<void> {
  const { target } = clone
  if (target === undefined) return fail(context, clone, 'The key that sealed its target was lost.')
  if (target.kind === 'instance') {
    return startRestoreInto(context, clone, { instanceId: target.instanceId, database: target.database ?? clone.item })
  }
  const provisioned = await findInstanceFor(context, clone.id)
  if (provisioned === undefined) {
    const source = (await instancesById(context, [clone.sourceInstanceId])).get(clone.sourceInstanceId)
    invariant(source, `the instance ${clone.sourceInstanceId} is stored`)
    const { serviceBrokerId, service, servicePlan, parameters } = target
    const wanted = {
      purpose: 'clone',
      jobId: clone.id,
      source,
      serviceBrokerId,
      service,
      servicePlan,
      parameters,
    } as const
    try {
      const { id } = await requestInstance(context, wanted, signal)
      await repository.setTargetInstance(context, clone.id, id)
    } catch (error) {
      // Another instance may be deleted before long; users who cannot wait cancel the clone.
      if (!(error instanceof QuotaReached)) throw error
    }
    return
  }
  const { id, failure, isWanted, nextStepAt } = provisioned
  if (!isWanted) return fail(context, clone, failure ?? `The provisioned instance ${id} was deleted.`)
  if (nextStepAt !== undefined) return
  const [only, ...others] = (await findInstance(context, id))?.items ?? []
  const isOneDatabase = only !== undefined && others.length === 0 && !isItemPattern(only)
  await startRestoreInto(context, clone, { instanceId: id, database: isOneDatabase ? only : clone.item })
}

async function startRestoreInto(
  context: Context,
  clone: Clone,
  { instanceId, database }: { instanceId: string; database: string },
): Promise<void> {
  const point = await findPoint(context, clone.restorePointId)
  if (point === undefined) return fail(context, clone, 'The restore point was deleted.')
  await startRestore(context, undefined, {
    instanceId,
    items: [{ point, database }],
    privateKey: clone.privateKey,
    async record(tx, jobId) {
      if (!(await repository.setRestore(tx, clone.id, { jobId, instanceId, database }))) throw new StepTaken()
    },
  })
  context.wakeWorkers()
}

async function followRestore(context: Context, clone: Clone): Promise<void> {
  const { id, restoreJobId = '', cancelledBy, isMasked, mask = [] } = clone
  const job = await findJob(context, restoreJobId)
  if (job === undefined) return fail(context, clone, 'Its restore job was deleted before it was known how that ended.')
  if (!isOver(job.status)) {
    if (cancelledBy === undefined || job.cancelled !== undefined) return
    await inTransaction(context, (tx) => cancelOpenJob(tx, restoreJobId, cancelledBy))
    return
  }
  const [part] = job.parts
  const checks = part?.agentStatus?.checks ?? []
  const hint = isMasked && clone.targetKind === 'instance' ? ' The data in the target may be unmasked.' : ''
  if (job.status === 'SUCCEEDED' && isMasked && checks.filter(({ ok }) => ok).length < Math.max(mask.length, 1)) {
    return fail(context, clone, `The agent did not report that the data was masked.${hint}`)
  }
  if (job.status === 'SUCCEEDED') {
    await inTransaction(context, async (tx) => {
      if (await repository.endClone(tx, id, { state: 'succeeded' })) await revealInstanceOf(tx, id)
    })
    return
  }
  const reason = part?.error ?? part?.agentStatus?.error_message ?? 'its log says why'
  await fail(context, clone, `The restore job ${restoreJobId} failed: ${reason.replace(/\.$/, '')}.${hint}`)
}

/** Ends a clone that has failed. An instance that was provisioned for it is deleted. */
async function fail(context: Context, clone: Clone, failure: string): Promise<void> {
  context.log.warn({ cloneId: clone.id, reason: failure }, 'a clone failed')
  await inTransaction(context, async (tx) => {
    if (await repository.endClone(tx, clone.id, { state: 'failed', failure })) await releaseInstanceOf(tx, clone.id)
  })
}

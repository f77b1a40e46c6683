import type { RestoreStart } from '@osb-backup/protocol'
import type { Context } from '../context.ts'
import { keptKey } from '../http/wire/secret.ts'
import { newIdentifier } from '../identifier.ts'
import { findInstance } from '../instances/store.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { findPlan } from '../plans/store.ts'
import { RequestError } from '../request-error.ts'
import { pointsOfJob } from '../restore-points/store.ts'
import type { Job, JobPart } from './job.ts'
import { insertJob } from './store.ts'

const unstarted = {
  status: 'STARTED',
  restorePointId: undefined,
  filename: undefined,
  accepted: false,
  report: undefined,
  error: undefined,
} as const satisfies Partial<JobPart>

/** Writes the job and its queue entry together: either both are there or none. */
async function commit(context: Context, job: Job): Promise<Job> {
  await context.database.transaction().execute(async (transaction) => {
    await insertJob(context, transaction, job)
    await context.queue.enqueue(transaction, job.id)
  })
  return job
}

/** Starts a run of a plan now. */
export function startBackup(context: Context, plan: BackupPlan): Promise<Job> {
  const startedAt = context.now()
  return commit(context, {
    id: newIdentifier(startedAt),
    kind: 'backup',
    status: 'STARTED',
    instanceId: plan.instanceId,
    planId: plan.id,
    destinationId: plan.destinationId,
    sourceJobId: undefined,
    compression: plan.compression,
    publicKey: plan.publicKey,
    privateKey: undefined,
    startedAt,
    endedAt: undefined,
    parts: plan.items.map((item, position) => ({ ...unstarted, position, item, database: item })),
  })
}

/**
 * Starts a restore of what a backup job left.
 *
 * @param instanceId - The service instance that is written.
 * @throws {RequestError} If that is not registered, or an item has no restore point.
 */
export async function startRestore(
  context: Context,
  source: Job,
  instanceId: string,
  request: RestoreStart,
): Promise<Job> {
  if ((await findInstance(context, instanceId)) === undefined) {
    throw new RequestError('invalid', `There is no service instance ${JSON.stringify(instanceId)}.`, {
      field: 'serviceInstance',
    })
  }
  const plan = source.planId === undefined ? undefined : await findPlan(context, source.planId)
  const startedAt = context.now()
  return commit(context, {
    id: newIdentifier(startedAt),
    kind: 'restore',
    status: 'STARTED',
    instanceId,
    planId: source.planId,
    destinationId: source.destinationId,
    sourceJobId: source.id,
    compression: source.compression,
    publicKey: source.publicKey,
    privateKey: keptKey(request.privateKey, plan?.privateKey),
    startedAt,
    endedAt: undefined,
    parts: await restoreParts(context, source, request.items),
  })
}

async function restoreParts(context: Context, source: Job, items: RestoreStart['items']): Promise<JobPart[]> {
  const points = await pointsOfJob(context, source.id)
  const parts = items.map(({ item, filename, database }, position) => {
    const field = `items.${position}`
    const point = points.find((each) => each.item === item)
    if (point === undefined) {
      throw new RequestError(
        'invalid',
        `The backup job ${source.id} has no restore point of ${JSON.stringify(item)}.`,
        { field },
      )
    }
    if (filename !== undefined && filename !== point.filename) {
      throw new RequestError(
        'invalid',
        `The restore point of ${JSON.stringify(item)} is the file ${JSON.stringify(point.filename)}.`,
        { field },
      )
    }
    return {
      ...unstarted,
      position,
      item,
      database: database ?? item,
      restorePointId: point.id,
      filename: point.filename,
    }
  })
  const twice = parts.find((part, index) => parts.findIndex((each) => each.database === part.database) !== index)
  if (twice !== undefined) {
    throw new RequestError('invalid', `Two items would be restored into ${JSON.stringify(twice.database)}.`, {
      field: 'items',
    })
  }
  return parts
}

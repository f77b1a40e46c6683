import { authorizeInstance, type Call, unknownInstance } from '../access/call.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { findInstance } from '../instances/repository.ts'
import { requireDeclaredItems } from '../items/service.ts'
import { findPlan } from '../plans/repository.ts'
import { lockPointsForRestore, pointsOf } from '../restore-points/repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'
import { createJob } from './create-job.ts'
import { type BackupJob, NEW_PART, type RestoreJob, type ScriptParameters } from './job.ts'
import { findBlockers } from './reservations-repository.ts'
import { cancelOpenJob } from './service.ts'

/** What a restore writes: one restore point into one database. */
export interface RestoreItem {
  point: RestorePoint
  database: string
}

/** A restore of restore points that one backup job left. */
export interface RestoreRequest {
  /** The service instance that is written. */
  instanceId: string
  items: readonly [RestoreItem, ...RestoreItem[]]
  /** Decrypts what was encrypted; null: nothing does. Undefined: the key that the plan keeps, if it keeps one. */
  privateKey: string | null | undefined
  /** Passed to the scripts; they override the parameters of the service instance. */
  parameters?: ScriptParameters | undefined
  /** Cancels backup jobs that work on the databases; by default the restore waits for their end. */
  cancelBackups?: boolean | undefined
  /** Records it elsewhere, in the transaction that stores it. */
  record?(tx: TransactionContext, restoreJobId: string): Promise<void>
  /** The drill that it belongs to, and what records it there, in the transaction that stores the restore. */
  drill?: { id: string; record(tx: TransactionContext, restoreJobId: string): Promise<void> } | undefined
}

/**
 * Starts a restore.
 *
 * @param call - Undefined: the manager starts it by itself, for a drill.
 * @param key - A request that is sent again with the same key starts nothing.
 * @throws {RequestError} If the instance is not registered, two restore points would be restored into one database, or one is
 *   being removed.
 */
export async function startRestore(
  context: Context,
  call: Call | undefined,
  { instanceId, items, privateKey, parameters = {}, cancelBackups = false, record, drill }: RestoreRequest,
  key?: IdempotencyKey,
): Promise<RestoreJob> {
  if (call !== undefined) await authorizeInstance(call, instanceId)
  const instance = await findInstance(context, instanceId)
  if (instance === undefined) throw unknownInstance(instanceId, 'instanceId')
  const databases = items.map((item) => item.database)
  const twice = databases.find((name, index) => databases.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new RequestError('invalid', `Two items would be restored into ${JSON.stringify(twice)}.`, { field: 'items' })
  }
  await requireDeclaredItems(context, instance, databases, 'database')
  const [{ point }] = items
  const plan = await findPlan(context, point.planId)
  const startedAt = await readClock(context)
  const job: RestoreJob = {
    id: newIdentifier(startedAt),
    kind: 'restore',
    status: 'STARTED',
    instanceId,
    planId: point.planId,
    destinationId: point.destinationId,
    sourceJobId: point.jobId,
    drillId: drill?.id,
    privateKey: privateKey === undefined ? plan?.privateKey : (privateKey ?? undefined),
    parameters,
    startedAt,
    beganAt: undefined,
    endedAt: undefined,
    cancelled: undefined,
    parts: items.map((item, position) => ({
      ...NEW_PART,
      position,
      item: item.point.item,
      database: item.database,
      restorePointId: item.point.id,
    })),
  }
  const pointIds = items.map((item) => item.point.id)
  const cancellable =
    call !== undefined && cancelBackups
      ? await findCancellableInstances(context, call, instanceId, databases)
      : new Set<string>()
  return createJob(context, { job, call, key }, async (tx) => {
    // Before the restore points are locked, in the order in which the end of a part locks both.
    for (const { kind, jobId, instanceId: id } of cancellable.size > 0
      ? await findBlockers(tx, instanceId, databases)
      : []) {
      if (kind === 'backup' && cancellable.has(id)) await cancelOpenJob(tx, jobId, call?.caller.name ?? 'a drill')
    }
    await requireRestorable(tx, pointIds)
    await drill?.record(tx, job.id)
    await record?.(tx, job.id)
  })
}

/** The instances whose backup jobs work on the databases and may be cancelled by the caller; the others are waited for. */
async function findCancellableInstances(
  context: Context,
  { caller, use }: Call,
  instanceId: string,
  databases: readonly string[],
): Promise<Set<string>> {
  const found = new Set((await findBlockers(context, instanceId, databases)).map((blocker) => blocker.instanceId))
  const granted = await Promise.all([...found].map(async (id) => ((await caller.isGranted(id, use)) ? [id] : [])))
  return new Set(granted.flat())
}

async function requireRestorable(tx: TransactionContext, pointIds: readonly string[]): Promise<void> {
  const removed = await lockPointsForRestore(tx, pointIds)
  if (removed === undefined) return
  throw new RequestError('conflict', `The restore point ${removed} is being removed.`)
}

/** An item of a backup job, as a restore asks for it. */
export interface RequestedItem {
  item: string
  filename?: string | undefined
  /** Undefined: the database is named like the item. */
  database?: string | undefined
}

/**
 * Finds the restore points of a backup job's items.
 *
 * @throws {RequestError} If an item has none, or another file than the request names.
 */
export async function findRestoreItems(
  context: Context,
  source: BackupJob,
  requested: readonly RequestedItem[],
): Promise<[RestoreItem, ...RestoreItem[]]> {
  const points = await pointsOf(context, { jobId: source.id })
  const [first, ...others] = requested.map(({ item, filename, database }, position) => {
    const field = `items.${position}`
    const point = points.find((each) => each.item === item)
    if (point === undefined) {
      const reason = `The backup job ${source.id} has no restore point of ${JSON.stringify(item)}.`
      throw new RequestError('invalid', reason, { field })
    }
    if (filename !== undefined && filename !== point.filename) {
      const reason = `The restore point of ${JSON.stringify(item)} is the file ${JSON.stringify(point.filename)}.`
      throw new RequestError('invalid', reason, { field })
    }
    return { point, database: database ?? item }
  })
  invariant(first, 'a restore asks for at least one item')
  return [first, ...others]
}

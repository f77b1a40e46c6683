import type { RestoreStart } from '@osb-backup/protocol'
import type { Transaction } from 'kysely'
import type { Context } from '../context/context.ts'
import type { Tables } from '../database/schema.ts'
import { keptKey } from '../http/legacy/wire/secret.ts'
import { findInstance } from '../instances/repository.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { findPlan } from '../plans/repository.ts'
import { lockToRestore, pointsOfJob } from '../restore-points/repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { invariant } from '../shared/invariant.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import { type Once, takeKey } from './idempotency.ts'
import type { Job, JobPart } from './job.ts'
import { findJob, insertJobs, openJobsOfPlans } from './repository.ts'

const unstarted = {
  status: 'STARTED',
  restorePointId: undefined,
  filename: undefined,
  accepted: false,
  report: undefined,
  error: undefined,
} as const satisfies Partial<JobPart>

/**
 * Writes the job; a runner takes it from there.
 *
 * @returns The job; the one that the same request started before, if it did.
 */
async function commit(context: Context, job: Job, once: Once | undefined): Promise<Job> {
  const { startedBefore, started } = await context.database.transaction().execute(async (transaction) => {
    const before = once && (await takeKey(transaction, once, job.id, context.now()))
    if (before !== undefined) return { startedBefore: before }
    await (job.kind === 'backup' ? needFreePlan(transaction, job) : lockToRestore(transaction, pointIdsOf(job)))
    // Not before the locks are there: it begins after whatever it waited for ended.
    const started = { ...job, startedAt: context.now() }
    await insertJobs(context, transaction, [started])
    return { started }
  })
  context.wakeRunner()
  if (started !== undefined) return started
  const found = await findJob(context, startedBefore)
  if (found === undefined) throw new RequestError('conflict', 'What this Idempotency-Key started was deleted since.')
  return found
}

const pointIdsOf = (job: Job) => job.parts.flatMap(({ restorePointId }) => restorePointId ?? [])

/** What a backup job takes over from its plan. */
export type PlanToRun = Pick<
  BackupPlan,
  'id' | 'instanceId' | 'destinationId' | 'compression' | 'compressor' | 'publicKey' | 'items'
>

/** A new run of a plan. */
export function backupJobOf(plan: PlanToRun, startedAt: Date, due?: { dueAt: Date; late: boolean }): Job {
  return {
    id: newIdentifier(startedAt),
    kind: 'backup',
    status: 'STARTED',
    instanceId: plan.instanceId,
    planId: plan.id,
    destinationId: plan.destinationId,
    sourceJobId: undefined,
    compression: plan.compression,
    compressor: plan.compressor,
    publicKey: plan.publicKey,
    privateKey: undefined,
    parameters: {},
    dueAt: due?.dueAt,
    late: due?.late ?? false,
    startedAt,
    endedAt: undefined,
    cancelled: undefined,
    parts: plan.items.map((item, position) => ({ ...unstarted, position, item, database: item })),
  }
}

/**
 * Starts a run of a plan now.
 *
 * @param once - The caller's idempotency key: sent again, it starts nothing.
 * @throws {RequestError} If a job of the plan waits or runs.
 */
export function startBackup(context: Context, plan: BackupPlan, once?: Once): Promise<Job> {
  return commit(context, backupJobOf(plan, context.now()), once)
}

/** At most one job of a plan waits or runs. The plan's row is locked, so that nobody else starts one meanwhile. */
async function needFreePlan(transaction: Transaction<Tables>, { planId }: Job): Promise<void> {
  invariant(planId, 'a backup job has a plan')
  const plan = await transaction
    .selectFrom('backup_plans')
    .select('id')
    .where('id', '=', planId)
    .forUpdate()
    .executeTakeFirst()
  if (plan === undefined) throw notFound('backup plan', planId)
  const open = (await openJobsOfPlans(transaction, [planId])).get(planId)
  if (open === undefined) return
  throw new RequestError('conflict', `The job ${open} of this plan is not over: wait for its end, or cancel it.`)
}

/** What a restore writes: one restore point into one database. */
export interface RestoreTarget {
  point: RestorePoint
  database: string
}

/**
 * Starts a restore of restore points that one backup job left.
 *
 * @param instanceId - The service instance that is written.
 * @param once - The caller's idempotency key: sent again, it starts nothing.
 * @param options - `privateKey` opens what was encrypted; absent: the one that the plan keeps, if it keeps one.
 *   `parameters` go to the scripts, before those of the service instance.
 * @throws {RequestError} If the instance is not registered, or two points would go into one database.
 */
export async function startRestore(
  context: Context,
  instanceId: string,
  targets: readonly [RestoreTarget, ...RestoreTarget[]],
  { privateKey, parameters = {} }: { privateKey?: string | undefined; parameters?: Job['parameters'] | undefined },
  once?: Once,
): Promise<Job> {
  if ((await findInstance(context, instanceId)) === undefined) {
    throw new RequestError('invalid', `There is no service instance ${JSON.stringify(instanceId)}.`, {
      field: 'serviceInstance',
    })
  }
  const names = targets.map((target) => target.database)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new RequestError('invalid', `Two items would be restored into ${JSON.stringify(twice)}.`, { field: 'items' })
  }
  const [{ point }] = targets
  const plan = await findPlan(context, point.planId)
  const startedAt = context.now()
  const job: Job = {
    id: newIdentifier(startedAt),
    kind: 'restore',
    status: 'STARTED',
    instanceId,
    planId: point.planId,
    destinationId: point.destinationId,
    sourceJobId: point.jobId,
    compression: point.compression !== 'none',
    compressor: { algorithm: point.compression === 'gzip' ? 'gzip' : 'zstd', level: undefined },
    publicKey: undefined,
    privateKey: keptKey(privateKey, plan?.privateKey),
    parameters,
    dueAt: undefined,
    late: false,
    startedAt,
    endedAt: undefined,
    cancelled: undefined,
    parts: targets.map(({ point: { item, id, filename }, database }, position) => ({
      ...unstarted,
      position,
      item,
      database,
      restorePointId: id,
      filename,
    })),
  }
  return commit(context, job, once)
}

/**
 * Finds the restore points that a restore of a backup job's items asks for.
 *
 * @throws {RequestError} If an item has none, or another file than the request says.
 */
export async function targetsOfItems(
  context: Context,
  source: Job,
  items: RestoreStart['items'],
): Promise<[RestoreTarget, ...RestoreTarget[]]> {
  const points = await pointsOfJob(context, source.id)
  const [first, ...others] = items.map(({ item, filename, database }, position) => {
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

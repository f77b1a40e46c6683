import { decideDueRuns } from '@osb-backup/core'
import { type Selectable, sql, type Transaction } from 'kysely'
import { DatabaseError } from 'pg'
import type { Context } from '../context/context.ts'
import { readPage } from '../database/read-page.ts'
import type { BackupPlanTable, Tables } from '../database/schema.ts'
import type { PageRequest } from '../http/legacy/paging.ts'
import { sealedColumns } from '../secrets/sealed-columns.ts'
import { RequestError } from '../shared/request-error.ts'
import { nextRunOf } from './next-run.ts'
import type { BackupPlan } from './plan.ts'
import { insertPlanRuns } from './plan-runs-repository.ts'

type Reach = Pick<Context, 'database' | 'sealer'>

const purpose = sealedColumns.backup_plans.sealed_private_key

function fromRow({ sealer }: Reach, row: Selectable<BackupPlanTable>): BackupPlan {
  return {
    id: row.id,
    version: row.version,
    instanceId: row.instance_id,
    destinationId: row.destination_id,
    name: row.name,
    paused: row.paused,
    compression: row.compression,
    compressor: { algorithm: row.compression_algorithm, level: row.compression_level ?? undefined },
    frequency: row.frequency,
    timezone: row.timezone,
    retention: { style: row.retention_style, period: row.retention_period },
    items: row.items,
    publicKey: row.public_key ?? undefined,
    privateKey: sealer.openOptional(row.sealed_private_key, purpose),
    nextRunAt: row.next_run_at ?? undefined,
    retentionCountsFrom: row.sweep_not_before ?? undefined,
  }
}

function toColumns({ sealer }: Reach, plan: BackupPlan) {
  return {
    destination_id: plan.destinationId,
    name: plan.name,
    paused: plan.paused,
    compression: plan.compression,
    compression_algorithm: plan.compressor.algorithm,
    compression_level: plan.compressor.level ?? null,
    frequency: plan.frequency,
    timezone: plan.timezone,
    retention_style: plan.retention.style,
    retention_period: plan.retention.period,
    items: JSON.stringify(plan.items),
    public_key: plan.publicKey ?? null,
    sealed_private_key: sealer.sealOptional(plan.privateKey, purpose),
  }
}

export async function findPlan(reach: Reach, id: string): Promise<BackupPlan | undefined> {
  const row = await reach.database.selectFrom('backup_plans').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(reach, row)
}

/** Plans by id; those that were deleted are missing. */
export async function plansById(reach: Reach, ids: readonly string[]): Promise<Map<string, BackupPlan>> {
  if (ids.length === 0) return new Map()
  const rows = await reach.database.selectFrom('backup_plans').selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, fromRow(reach, row)]))
}

/** All plans of an instance. */
export async function plansOfInstance(reach: Reach, instanceId: string): Promise<BackupPlan[]> {
  const rows = await reach.database
    .selectFrom('backup_plans')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .execute()
  return rows.map((row) => fromRow(reach, row))
}

/** One page of an instance's plans, oldest first unless told otherwise. */
export async function listPlans(
  reach: Reach,
  instanceId: string,
  page: PageRequest,
): Promise<{ entries: BackupPlan[]; total: number }> {
  const query = reach.database
    .selectFrom('backup_plans')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .orderBy(page.sort?.property === 'name' ? 'name' : 'created_at', page.sort?.descending ? 'desc' : 'asc')
    .orderBy('id')
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map((row) => fromRow(reach, row)), total }
}

/**
 * Stores a new plan with its next run.
 *
 * @throws {RequestError} If the instance has a plan of that name.
 */
export async function insertPlan(context: Context, plan: BackupPlan): Promise<void> {
  await withNameTaken(
    plan,
    context.database
      .insertInto('backup_plans')
      .values({
        id: plan.id,
        instance_id: plan.instanceId,
        ...toColumns(context, plan),
        ...nextRunOf(plan, null, context),
      })
      .execute(),
  )
}

/**
 * Replaces a plan. Where its schedule changes it is due anew from now on, and a run that was due in this moment is written
 * down as skipped; where its retention changes the change counts only after a while, so that a slip can be undone.
 *
 * @param edited - The version that is replaced, if that matters.
 * @returns The new version; undefined if another one than the edited stands there, and nothing was written.
 * @throws {RequestError} If the instance has another plan of that name.
 */
export async function updatePlan(
  context: Context,
  plan: BackupPlan,
  edited: number | undefined,
): Promise<number | undefined> {
  const update = context.database.transaction().execute(async (transaction) => {
    const stored = await transaction
      .selectFrom('backup_plans')
      .selectAll()
      .where('id', '=', plan.id)
      .forUpdate()
      .executeTakeFirst()
    if (stored === undefined || (edited !== undefined && stored.version !== edited)) return undefined
    const schedule = isSameSchedule(stored, plan) ? {} : nextRunOf(plan, stored.last_due_at, context)
    if ('next_run_at' in schedule) await skipDueRun(context, transaction, stored)
    const { version } = await transaction
      .updateTable('backup_plans')
      .set({
        ...toColumns(context, plan),
        ...schedule,
        ...(isSameRetention(stored, plan) ? {} : { sweep_not_before: whenRetentionCounts(context) }),
        version: sql`version + 1`,
      })
      .where('id', '=', plan.id)
      .returning('version')
      .executeTakeFirstOrThrow()
    return version
  })
  return withNameTaken(plan, update)
}

const isSameSchedule = (stored: Selectable<BackupPlanTable>, plan: BackupPlan) =>
  stored.paused === plan.paused && stored.frequency === plan.frequency && stored.timezone === plan.timezone

const isSameRetention = (stored: Selectable<BackupPlanTable>, { retention }: BackupPlan) =>
  stored.retention_style === retention.style && stored.retention_period === retention.period

const whenRetentionCounts = ({ settings, now }: Context) =>
  new Date(now().getTime() + settings.retentionChangeGraceHours * 3_600_000)

async function skipDueRun(
  { now }: Context,
  transaction: Transaction<Tables>,
  stored: Selectable<BackupPlanTable>,
): Promise<void> {
  const { next_due_at: dueAt } = stored
  const decidedAt = now()
  if (dueAt === null || dueAt > decidedAt) return
  // After an outage there may be many; they are counted, and none is caught up.
  const { missed, run: newest } = decideDueRuns({
    schedule: stored,
    dueAt,
    now: decidedAt,
    delayMs: 0,
    graceMs: Number.POSITIVE_INFINITY,
  })
  const [lastDueAt, runs] = [newest?.dueAt ?? dueAt, (missed?.runs ?? 0) + 1]
  const run = { planId: stored.id, dueAt, lastDueAt, runs, late: false, jobId: undefined, decidedAt }
  const reason = 'The plan was paused or changed in the moment it was due.'
  await insertPlanRuns(transaction, [{ ...run, outcome: 'SKIPPED', reason }])
}

async function withNameTaken<T>(plan: BackupPlan, written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (cause) {
    if (!(cause instanceof DatabaseError) || cause.constraint !== 'backup_plans_name_in_instance') throw cause
    throw new RequestError('invalid', `The service instance has a backup plan ${JSON.stringify(plan.name)} already.`, {
      field: 'name',
      cause,
    })
  }
}

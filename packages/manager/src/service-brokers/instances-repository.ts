import { type Selectable, sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import type { Database } from '../database/open-database.ts'
import type { ProvisionedInstanceTable } from '../database/tables/service-brokers.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { InstanceChange, ProvisionedInstance, RequestedInstance } from './provisioned-instance.ts'

/** For how long a step is locked; the attempt renews its lock several times meanwhile. */
export const STEP_LOCK_SECONDS = 15

type Row = Selectable<ProvisionedInstanceTable>

const purposeFor = (id: string, column: 'sealed_parameters' | 'sealed_credentials') =>
  purposeOf('provisioned_instances', column, id)

/** An instance as it is stored. */
export function fromRow({ sealer }: RepositoryContext, row: Row): ProvisionedInstance {
  const open = (column: 'sealed_parameters' | 'sealed_credentials') => {
    const text = sealer.openOptional(row[column], purposeFor(row.id, column))
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>)
  }
  return {
    id: row.id,
    serviceBrokerId: row.service_broker_id,
    purpose: row.purpose,
    jobId: row.job_id ?? undefined,
    sourceInstanceId: row.source_instance_id,
    serviceId: row.service_id,
    planId: row.plan_id,
    isBindable: row.bindable,
    maximumPollingSeconds: row.maximum_polling_seconds ?? undefined,
    parameters: open('sealed_parameters'),
    requestedBy: row.requested_by ?? undefined,
    isWanted: row.wanted,
    instanceState: row.instance_state,
    bindingState: row.binding_state,
    bindingId: row.binding_id ?? undefined,
    bindings: row.bindings,
    operation: row.operation ?? undefined,
    stepEndsAt: row.step_ends_at ?? undefined,
    credentials: open('sealed_credentials'),
    dashboardUrl: row.dashboard_url ?? undefined,
    isRegistered: row.registered,
    isReleased: row.released,
    failure: row.failure ?? undefined,
    error: row.error ?? undefined,
    attempts: row.attempts,
    nextStepAt: row.next_step_at ?? undefined,
    createdAt: row.created_at,
    endedAt: row.ended_at ?? undefined,
  }
}

function toColumns({ sealer }: RepositoryContext, { id }: Pick<ProvisionedInstance, 'id'>, change: InstanceChange) {
  const credentials = () =>
    change.credentials === undefined
      ? null
      : sealer.seal(JSON.stringify(change.credentials), purposeFor(id, 'sealed_credentials'))
  return {
    ...('isWanted' in change && { wanted: change.isWanted }),
    ...('instanceState' in change && { instance_state: change.instanceState }),
    ...('bindingState' in change && { binding_state: change.bindingState }),
    ...('bindingId' in change && { binding_id: change.bindingId ?? null }),
    ...('bindings' in change && { bindings: change.bindings }),
    ...('operation' in change && { operation: change.operation ?? null }),
    ...('stepEndsAt' in change && { step_ends_at: change.stepEndsAt ?? null }),
    ...('credentials' in change && { sealed_credentials: credentials() }),
    ...('dashboardUrl' in change && { dashboard_url: change.dashboardUrl ?? null }),
    ...('isRegistered' in change && { registered: change.isRegistered }),
    ...('failure' in change && { failure: change.failure ?? null }),
    ...('error' in change && { error: change.error ?? null }),
    ...('attempts' in change && { attempts: change.attempts }),
  }
}

/** Stores an instance that is about to be provisioned. */
export async function insertProvisioned(context: RepositoryContext, instance: RequestedInstance): Promise<void> {
  const { id, parameters } = instance
  await context.database
    .insertInto('provisioned_instances')
    .values({
      id,
      service_broker_id: instance.serviceBrokerId,
      purpose: instance.purpose,
      job_id: instance.jobId ?? null,
      source_instance_id: instance.sourceInstanceId,
      service_id: instance.serviceId,
      plan_id: instance.planId,
      bindable: instance.isBindable,
      maximum_polling_seconds: instance.maximumPollingSeconds ?? null,
      sealed_parameters: context.sealer.sealOptional(
        parameters && JSON.stringify(parameters),
        purposeFor(id, 'sealed_parameters'),
      ),
      requested_by: instance.requestedBy ?? null,
      binding_id: null,
      operation: null,
      step_ends_at: null,
      sealed_credentials: null,
      released: instance.jobId === undefined,
      dashboard_url: null,
      failure: null,
      error: null,
      next_step_at: sql<Date>`now()`,
      locked_by: null,
      locked_until: null,
      created_at: instance.createdAt,
      ended_at: null,
    })
    .execute()
}

export async function findProvisioned(
  context: RepositoryContext,
  id: string,
): Promise<ProvisionedInstance | undefined> {
  const row = await context.database
    .selectFrom('provisioned_instances')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row && fromRow(context, row)
}

/** The instance that was provisioned for a job. */
export async function findProvisionedFor(
  context: RepositoryContext,
  jobId: string,
): Promise<ProvisionedInstance | undefined> {
  const row = await context.database
    .selectFrom('provisioned_instances')
    .selectAll()
    .where('job_id', '=', jobId)
    .executeTakeFirst()
  return row && fromRow(context, row)
}

/** How many instances of service brokers exist, or may; brokers without any are left out. */
export async function countProvisioned(
  { database }: { database: Database },
  brokerIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await database
    .selectFrom('provisioned_instances')
    .select(['service_broker_id', sql<string>`count(*)`.as('count')])
    .where('service_broker_id', '=', sql<string>`any(${[...brokerIds]}::text[])`)
    .where('ended_at', 'is', null)
    .groupBy('service_broker_id')
    .execute()
  return new Map(rows.map((row) => [row.service_broker_id, Number(row.count)]))
}

const lockedUntil = sql<Date>`now() + make_interval(secs => ${STEP_LOCK_SECONDS})`

/** Locks instances whose next step is due for an attempt, also those whose attempt died, the longest due first. */
export async function claimDueSteps(
  context: RepositoryContext,
  lockedBy: string,
  limit: number,
): Promise<ProvisionedInstance[]> {
  const rows = await context.database
    .updateTable('provisioned_instances')
    .set({ locked_by: lockedBy, locked_until: lockedUntil })
    .where('id', 'in', (due) =>
      due
        .selectFrom('provisioned_instances')
        .select('id')
        .where('next_step_at', '<=', sql<Date>`now()`)
        .where((where) => where.or([where('locked_until', 'is', null), where('locked_until', '<', sql<Date>`now()`)]))
        .orderBy('next_step_at')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .execute()
  return rows.map((row) => fromRow(context, row))
}

/** Renews the locks of an attempt. Returns the ids of the instances that it still has. */
export async function renewStepLocks({ database }: { database: Database }, lockedBy: string): Promise<string[]> {
  const rows = await database
    .updateTable('provisioned_instances')
    .set({ locked_until: lockedUntil })
    .where('locked_by', '=', lockedBy)
    .returning('id')
    .execute()
  return rows.map(({ id }) => id)
}

/** Ends locks, and deadlines of steps, that are further away than the longest there are. Returns how many. */
export async function capProvisioningDeadlines(
  { database }: { database: Database },
  longestPauseSeconds: number,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update provisioned_instances set locked_until = least(locked_until, ${lockedUntil}),
      next_step_at = least(next_step_at, now() + make_interval(secs => ${longestPauseSeconds}))
    where locked_until > ${lockedUntil}
      or next_step_at > now() + make_interval(secs => ${longestPauseSeconds})`.execute(database)
  return Number(numAffectedRows)
}

/** When the next step is due: `none`: no step is left; `ended`: nothing exists any more. */
export type NextStep = { inSeconds: number } | 'none' | 'ended'

/**
 * Records what a step is about to do, or has done.
 *
 * @param instance - As the attempt knows it. If it is not wanted any more meanwhile, the next step is due at once.
 * @param next - Releases the lock; undefined: the attempt goes on.
 * @returns False if another attempt has the instance: nothing was recorded.
 */
export async function recordStep(
  context: RepositoryContext,
  instance: Pick<ProvisionedInstance, 'id' | 'isWanted'>,
  lockedBy: string,
  change: InstanceChange,
  next?: NextStep,
): Promise<boolean> {
  const { numUpdatedRows } = await context.database
    .updateTable('provisioned_instances')
    // At least one column, so that the statement is valid.
    .set({
      locked_by: lockedBy,
      ...toColumns(context, instance, change),
      ...(next !== undefined && release(instance, next)),
    })
    .where('id', '=', instance.id)
    .where('locked_by', '=', lockedBy)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

function release({ isWanted }: Pick<ProvisionedInstance, 'isWanted'>, next: NextStep) {
  const unlocked = { locked_by: null, locked_until: null }
  if (next === 'ended') {
    const erased = { sealed_parameters: null, sealed_credentials: null }
    return { ...unlocked, ...erased, next_step_at: null, ended_at: sql<Date>`now()` }
  }
  const at =
    next === 'none' ? sql<Date>`null::timestamptz` : sql<Date>`now() + make_interval(secs => ${next.inSeconds})`
  return { ...unlocked, next_step_at: sql<Date>`case when wanted = ${isWanted} then ${at} else now() end` }
}

/**
 * Records that an instance may exist although another attempt has it: a request to create it was answered so late that the other one
 * may have deleted it before. Does nothing while it is wanted.
 */
export async function recordLateCreation({ database }: { database: Database }, id: string): Promise<void> {
  await database
    .updateTable('provisioned_instances')
    .set({ instance_state: 'requested', ended_at: null, next_step_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('wanted', '=', false)
    .execute()
}

/** Marks an instance as not needed any more: it is deleted from now on. Its credentials are erased. Returns false if it was marked before. */
export async function markUnwanted({ database }: { database: Database }, id: string): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('provisioned_instances')
    .set({ wanted: false, attempts: 0, error: null, next_step_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('wanted', '=', true)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * Lets instances be deleted whose drill or clone has ended without them: a manager that was late may have requested one after another
 * manager had cleaned up. Returns how many.
 */
export async function markAbandoned({ database }: { database: Database }): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update provisioned_instances instance set wanted = false, attempts = 0, error = null, next_step_at = now()
    where ended_at is null and wanted and not released and job_id is not null
      and not exists (select from jobs where id = instance.job_id and jobs.ended_at is null)
      and not exists (select from clones where id = instance.job_id and clones.ended_at is null)`.execute(database)
  return Number(numAffectedRows)
}

/** Lets users read the credentials of an instance. */
export async function markReleased({ database }: { database: Database }, id: string): Promise<void> {
  await database
    .updateTable('provisioned_instances')
    .set({ released: true })
    .where('id', '=', id)
    .where('wanted', '=', true)
    .execute()
}

import { type Selectable, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { ReconciliationTable, StoredFindings } from '../database/tables/restore-points.ts'
import type { InTransaction } from '../database/transaction.ts'
import { Findings, type Reconciliation, type ReconciliationRun } from './reconciliation.ts'

/** An attempt that does not renew its lock for so long counts as dead, and another manager runs the reconciliation again. */
export const LOCK_SECONDS = 30
const lockedUntil = sql<Date>`now() + make_interval(secs => ${sql.lit(LOCK_SECONDS)})`

interface RepositoryContext {
  database: Database
}

function fromRow(row: Selectable<ReconciliationTable>): ReconciliationRun {
  return {
    id: row.id,
    destinationId: row.destination_id,
    instanceId: row.instance_id,
    state: row.state,
    remove: row.remove,
    adopt: row.adopt,
    olderThanSeconds: row.older_than_seconds ?? undefined,
    createdAt: row.created_at,
    beganAt: row.began_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    error: row.error ?? undefined,
    found: row.found === null ? undefined : foundFromRow(row.found),
  }
}

function foundFromRow({ objects, orphans, incompleteUploads, brokenPoints, ...found }: StoredFindings): Reconciliation {
  return {
    objects,
    orphans: new Findings(
      orphans.listed.map(({ modifiedAt, ...each }) => ({ ...each, modifiedAt: new Date(modifiedAt) })),
      orphans.total,
    ),
    incompleteUploads: new Findings(
      incompleteUploads.listed.map(({ startedAt, ...each }) => ({ ...each, startedAt: new Date(startedAt) })),
      incompleteUploads.total,
    ),
    brokenPoints: new Findings(brokenPoints.listed, brokenPoints.total),
    adopted: new Findings(found.adopted.listed, found.adopted.total),
    notAdopted: new Findings(found.notAdopted.listed, found.notAdopted.total),
    hiddenVersions: found.hiddenVersions,
    notListed: found.notListed,
  }
}

/** Stores a reconciliation that waits for a manager. Returns false if one of the destination waits or runs. */
export async function insertReconciliation({ database }: InTransaction, run: ReconciliationRun): Promise<boolean> {
  const { numInsertedOrUpdatedRows: inserted } = await database
    .insertInto('reconciliations')
    .values({
      id: run.id,
      destination_id: run.destinationId,
      instance_id: run.instanceId,
      state: run.state,
      remove: run.remove,
      adopt: run.adopt,
      older_than_seconds: run.olderThanSeconds ?? null,
      created_at: run.createdAt,
      began_at: null,
      ended_at: null,
      locked_by: null,
      locked_until: null,
      error: null,
      found: null,
    })
    .onConflict((conflict) => conflict.column('destination_id').where('ended_at', 'is', null).doNothing())
    .executeTakeFirst()
  return inserted === 1n
}

export async function findReconciliation(
  { database }: RepositoryContext,
  id: string,
): Promise<ReconciliationRun | undefined> {
  const row = await database.selectFrom('reconciliations').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** Locks the oldest reconciliation that waits, or whose attempt died, for an attempt. Returns undefined if there is none. */
export async function claimReconciliation(
  { database }: RepositoryContext,
  lockedBy: string,
): Promise<ReconciliationRun | undefined> {
  const row = await database
    .updateTable('reconciliations')
    .set({
      state: 'running',
      began_at: sql<Date>`coalesce(began_at, now())`,
      locked_by: lockedBy,
      locked_until: lockedUntil,
    })
    .where('id', 'in', (claim) =>
      claim
        .selectFrom('reconciliations')
        .select('id')
        .where('ended_at', 'is', null)
        .where((where) => where.or([where('locked_until', 'is', null), where('locked_until', '<', sql<Date>`now()`)]))
        .orderBy('created_at')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst()
  return row && fromRow(row)
}

/** Ends locks that last longer than they are renewed for: the attempt renews its own, or is dead. Returns how many. */
export async function capReconciliationLocks({ database }: RepositoryContext): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update reconciliations set locked_until = ${lockedUntil}
    where ended_at is null and locked_until > ${lockedUntil}`.execute(database)
  return Number(numAffectedRows)
}

/**
 * Renews the lock of an attempt.
 *
 * @returns For how many seconds the reconciliation has been running, over all attempts; undefined if it was cancelled or
 *   another attempt has it.
 */
export async function renewLock({ database }: RepositoryContext, lockedBy: string): Promise<number | undefined> {
  const row = await database
    .updateTable('reconciliations')
    .set({ locked_until: lockedUntil })
    .where('locked_by', '=', lockedBy)
    .where('ended_at', 'is', null)
    .returning(sql<number>`extract(epoch from now() - began_at)::float8`.as('seconds'))
    .executeTakeFirst()
  return row?.seconds
}

/** Gives a reconciliation back that its manager cannot finish, so that another one runs it at once. */
export async function releaseLock({ database }: RepositoryContext, lockedBy: string): Promise<void> {
  await database
    .updateTable('reconciliations')
    .set({ locked_by: null, locked_until: null })
    .where('locked_by', '=', lockedBy)
    .where('ended_at', 'is', null)
    .execute()
}

/** Records how an attempt ended, unless the reconciliation was cancelled or another attempt has it. */
export async function endReconciliation(
  { database }: RepositoryContext,
  lockedBy: string,
  outcome: { found: Reconciliation } | { error: string },
): Promise<void> {
  const result =
    'found' in outcome
      ? ({ state: 'succeeded', found: JSON.stringify(outcome.found) } as const)
      : ({ state: 'failed', error: outcome.error } as const)
  await database
    .updateTable('reconciliations')
    .set({ ...result, ended_at: sql<Date>`now()` })
    .where('locked_by', '=', lockedBy)
    .where('ended_at', 'is', null)
    .execute()
}

/** Cancels a reconciliation. Returns false if it has ended. */
export async function cancelReconciliation({ database }: InTransaction, id: string, by: string): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('reconciliations')
    .set({ state: 'cancelled', error: `Cancelled by ${by}.`, ended_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Deletes reconciliations that ended before an instant. Returns how many, at most `limit`. */
export async function deleteReconciliationsBefore(
  { database }: InTransaction,
  before: Date,
  limit: number,
): Promise<number> {
  const expired = database.selectFrom('reconciliations').select('id').where('ended_at', '<', before).limit(limit)
  const { numDeletedRows } = await database.deleteFrom('reconciliations').where('id', 'in', expired).executeTakeFirst()
  return Number(numDeletedRows)
}

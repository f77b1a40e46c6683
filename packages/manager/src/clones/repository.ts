import type { CloneState } from '@osb-backup/protocol/v1'
import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { CloneTable } from '../database/tables/clones.ts'
import type { InTransaction } from '../database/transaction.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Clone } from './clone.ts'

type SealedColumn = 'sealed_target' | 'sealed_private_key' | 'sealed_mask'
const purposeFor = (id: string, column: SealedColumn) => purposeOf('clones', column, id)

function fromRow({ sealer }: RepositoryContext, row: Selectable<CloneTable>): Clone {
  const open = (column: SealedColumn) => sealer.openOptional(row[column], purposeFor(row.id, column))
  const [target, mask] = [open('sealed_target'), open('sealed_mask')]
  return {
    id: row.id,
    sourceInstanceId: row.source_instance_id,
    item: row.item,
    restorePointId: row.restore_point_id,
    targetKind: row.target_kind,
    target: target === undefined ? undefined : JSON.parse(target),
    privateKey: open('sealed_private_key'),
    isMasked: row.masked,
    mask: mask === undefined ? undefined : JSON.parse(mask),
    state: row.state,
    targetInstanceId: row.target_instance_id ?? undefined,
    database: row.database ?? undefined,
    restoreJobId: row.restore_job_id ?? undefined,
    failure: row.failure ?? undefined,
    cancelledBy: row.cancelled_by ?? undefined,
    createdAt: row.created_at,
    endedAt: row.ended_at ?? undefined,
  }
}

/** Stores a new clone. */
export async function insertClone({ database, sealer }: RepositoryContext, clone: Clone): Promise<void> {
  const seal = (column: SealedColumn, text: string | undefined) =>
    sealer.sealOptional(text, purposeFor(clone.id, column))
  await database
    .insertInto('clones')
    .values({
      id: clone.id,
      source_instance_id: clone.sourceInstanceId,
      item: clone.item,
      restore_point_id: clone.restorePointId,
      target_kind: clone.targetKind,
      sealed_target: seal('sealed_target', JSON.stringify(clone.target)),
      sealed_private_key: seal('sealed_private_key', clone.privateKey),
      masked: clone.isMasked,
      sealed_mask: seal('sealed_mask', clone.mask && JSON.stringify(clone.mask)),
      state: clone.state,
      target_instance_id: null,
      database: null,
      restore_job_id: null,
      failure: null,
      cancelled_by: null,
      created_at: clone.createdAt,
      ended_at: null,
    })
    .execute()
}

export async function findClone(context: RepositoryContext, id: string): Promise<Clone | undefined> {
  const row = await context.database.selectFrom('clones').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(context, row)
}

/** The clone that a restore belongs to; undefined: none. */
export async function findCloneOfRestore(context: RepositoryContext, restoreJobId: string): Promise<Clone | undefined> {
  const row = await context.database
    .selectFrom('clones')
    .selectAll()
    .where('restore_job_id', '=', restoreJobId)
    .executeTakeFirst()
  return row && fromRow(context, row)
}

/** The clones that have not ended, the oldest first. */
export async function openClones(context: RepositoryContext, limit: number): Promise<Clone[]> {
  const rows = await context.database
    .selectFrom('clones')
    .selectAll()
    .where('ended_at', 'is', null)
    .orderBy('created_at')
    .limit(limit)
    .execute()
  return rows.map((row) => fromRow(context, row))
}

/**
 * Records the restore of a clone that has none yet.
 *
 * @returns False if it has one, or has ended: no other may be started.
 */
export async function setRestore(
  { database }: InTransaction,
  id: string,
  restore: { jobId: string; instanceId: string; database: string },
): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('clones')
    .set({
      state: 'restoring',
      restore_job_id: restore.jobId,
      target_instance_id: restore.instanceId,
      database: restore.database,
    })
    .where('id', '=', id)
    .where('state', '=', 'preparing')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Names the instance that a clone gets. */
export async function setTargetInstance(
  { database }: { database: Database },
  id: string,
  target: string,
): Promise<void> {
  await database.updateTable('clones').set({ target_instance_id: target }).where('id', '=', id).execute()
}

/** Records how a clone has ended, and erases its secrets. Returns false if that was recorded before. */
export async function endClone(
  { database }: InTransaction,
  id: string,
  outcome: { state: 'succeeded' } | { state: 'failed'; failure: string },
): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('clones')
    .set({
      ...outcome,
      sealed_target: null,
      sealed_private_key: null,
      sealed_mask: null,
      ended_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Records who cancels a clone. Returns false if it has ended. */
export async function setCancelled({ database }: { database: Database }, id: string, by: string): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('clones')
    .set({ cancelled_by: by })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of the clones of instances that were granted, newest first. */
export async function searchClones(
  context: RepositoryContext,
  { scope, state }: { scope: Grants; state?: CloneState | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<Clone>> {
  let query = context.database.selectFrom('clones').selectAll().where(isGranted('source_instance_id', scope))
  if (state !== undefined) query = query.where('state', '=', state)
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => fromRow(context, row)), ...rest }
}

/** Deletes the records of clones that ended before an instant. Returns how many, at most `limit`. */
export async function deleteClonesBefore({ database }: InTransaction, before: Date, limit: number): Promise<number> {
  const expired = database.selectFrom('clones').select('id').where('ended_at', '<', before).limit(limit)
  const { numDeletedRows } = await database.deleteFrom('clones').where('id', 'in', expired).executeTakeFirst()
  return Number(numDeletedRows)
}

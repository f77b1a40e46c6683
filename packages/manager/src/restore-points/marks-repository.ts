import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { VerificationState } from './restore-point.ts'

interface RepositoryContext {
  database: Database
}

/** Holds or releases a restore point. Returns false if its object is being removed. */
export async function setHeld({ database }: RepositoryContext, id: string, held: boolean): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('restore_points')
    .set({ held })
    .where('id', '=', id)
    .where('removal_requested_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Records that the size of a restore point is right: the next dump is as small. */
export async function clearSuspicion({ database }: InTransaction, id: string): Promise<void> {
  await database.updateTable('restore_points').set({ suspicious: false }).where('id', '=', id).execute()
}

/** Records that a user confirmed the size of a restore point. Returns false if its object is being removed. */
export async function recordConfirmation(
  { database }: InTransaction,
  id: string,
  { at, by }: { at: Date; by: string },
): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('restore_points')
    .set({ suspicious: false, confirmed_at: at, confirmed_by: by })
    .where('id', '=', id)
    .where('removal_requested_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Forgets that the object of a restore point was missing: it was found, though not read. */
export async function clearMissing({ database }: RepositoryContext, id: string): Promise<void> {
  await database
    .updateTable('restore_points')
    .set({ verified_at: null, verified_state: null })
    .where('id', '=', id)
    .where('verified_state', '=', 'missing')
    .execute()
}

/** Records the result of reading an object back. */
export async function recordVerification(
  { database }: RepositoryContext,
  id: string,
  state: VerificationState,
  now: Date,
): Promise<void> {
  await database
    .updateTable('restore_points')
    .set({ verified_at: now, verified_state: state })
    .where('id', '=', id)
    .execute()
}

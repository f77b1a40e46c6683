import { sql } from 'kysely'
import type { InTransaction } from '../database/transaction.ts'

const EXPIRY_LOCK = 0x6f736265

/** Whether no other manager deletes expired records; then none does so until the transaction ends. */
export async function tryLockExpiry({ database }: InTransaction): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(${EXPIRY_LOCK}) as locked`.execute(database)
  return rows[0]?.locked === true
}

import type { InTransaction } from '../database/transaction.ts'

/** The files of a backup plan that was deleted, and when they are to be deleted too. */
export interface KeptFiles {
  planId: string
  instanceId: string
}

/** Records that the files of a backup plan are to be deleted at an instant. */
export async function keepFilesUntil(
  { database }: InTransaction,
  { planId, instanceId }: KeptFiles,
  deleteAt: Date,
): Promise<void> {
  await database
    .insertInto('kept_files')
    .values({ plan_id: planId, instance_id: instanceId, delete_at: deleteAt })
    .onConflict((conflict) => conflict.column('plan_id').doUpdateSet({ delete_at: deleteAt }))
    .execute()
}

/** Claims files that are to be deleted by now; the transaction forgets when. */
export async function claimDueFiles({ database }: InTransaction, now: Date, limit: number): Promise<KeptFiles[]> {
  const due = database
    .selectFrom('kept_files')
    .select('plan_id')
    .where('delete_at', '<=', now)
    .orderBy('delete_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
  const rows = await database
    .deleteFrom('kept_files')
    .where('plan_id', 'in', due)
    .returning(['plan_id', 'instance_id'])
    .execute()
  return rows.map((row) => ({ planId: row.plan_id, instanceId: row.instance_id }))
}

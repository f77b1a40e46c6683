import { sql, type Transaction } from 'kysely'
import type { Context } from '../context/context.ts'
import type { Tables } from '../database/schema.ts'

const HOUR_MS = 3_600_000
/** When a plan is taken again whose manager died before it had applied the retention. */
const TAKEN_AGAIN_MS = 10_000

/** Has the retention of a plan applied soon, once the transaction is committed. */
export async function sweepSoon(transaction: Transaction<Tables>, planId: string, now: Date): Promise<void> {
  await transaction.updateTable('backup_plans').set({ sweep_at: now }).where('id', '=', planId).execute()
}

/**
 * Takes plans whose retention is to be applied: once an hour, and after each success. Those whose retention was changed
 * wait until the change counts.
 *
 * @returns Their ids, at most so many.
 */
export async function takeDueSweeps({ database, now }: Context, most: number): Promise<string[]> {
  const due = database
    .selectFrom('backup_plans')
    .select('id')
    .where('sweep_at', '<=', now())
    .orderBy('sweep_at')
    .limit(most)
    .forUpdate()
    .skipLocked()
  const again = new Date(now().getTime() + TAKEN_AGAIN_MS)
  const rows = await database
    .updateTable('backup_plans')
    .set({
      sweep_at: sql<Date>`greatest(${again}::timestamptz, sweep_not_before)`,
      // A change that counts by now is not told of any more.
      sweep_not_before: sql<Date | null>`case when sweep_not_before > ${now()} then sweep_not_before end`,
    })
    .where('id', 'in', due)
    .returning(['id', 'sweep_not_before'])
    .execute()
  return rows.filter((row) => row.sweep_not_before === null).map((row) => row.id)
}

/** Notes that the retention was applied: it is again in an hour, unless a success meanwhile asked for it sooner. */
export async function sweepDone(transaction: Transaction<Tables>, planId: string, now: Date): Promise<void> {
  const inAnHour = new Date(now.getTime() + HOUR_MS)
  await transaction
    .updateTable('backup_plans')
    .set({ sweep_at: sql<Date>`greatest(${inAnHour}::timestamptz, sweep_not_before)` })
    .where('id', '=', planId)
    .where('sweep_at', '>', now)
    .execute()
}

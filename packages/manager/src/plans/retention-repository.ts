import type { Retention } from '@osb-backup/core'
import { sql } from 'kysely'
import type { Context } from '../context/context.ts'
import type { InTransaction } from '../database/transaction.ts'

const HOUR_MS = 3_600_000
/** When a plan is claimed again whose manager died before it had applied the retention. */
const RETRY_SECONDS = 10

/** Has the retention of a plan applied soon after the transaction is committed. */
export async function requestRetention({ database }: InTransaction, planId: string, now: Date): Promise<void> {
  await database.updateTable('backup_plans').set({ retention_due_at: now }).where('id', '=', planId).execute()
}

/**
 * Claims plans whose retention is due: once an hour, and after each successful backup. Plans whose retention was changed
 * wait until the change counts.
 *
 * @returns Their ids, at most `limit`.
 */
export async function claimDueRetention({ database }: Pick<Context, 'database'>, limit: number): Promise<string[]> {
  const due = database
    .selectFrom('backup_plans')
    .select('id')
    .where('retention_due_at', '<=', sql<Date>`now()`)
    .orderBy('retention_due_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
  const rows = await database
    .updateTable('backup_plans')
    .set({
      retention_due_at: sql<Date>`greatest(now() + make_interval(secs => ${sql.lit(RETRY_SECONDS)}), retention_counts_from)`,
    })
    .where('id', 'in', due)
    .returning(['id', sql<boolean>`coalesce(retention_counts_from <= now(), true)`.as('counts')])
    .execute()
  return rows.filter((row) => row.counts).map((row) => row.id)
}

/** Makes the retention of plans due that would be due later than after the longest interval. Returns how many. */
export async function capRetentionDeadlines({ database }: Pick<Context, 'database'>): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update backup_plans set retention_due_at = now()
    where retention_due_at > now() + make_interval(secs => ${HOUR_MS / 1000})
      and retention_due_at is distinct from retention_counts_from`.execute(database)
  return Number(numAffectedRows)
}

/**
 * Locks a plan, so that its retention does not change until the transaction ends. Jobs of it may start meanwhile.
 *
 * @returns Its retention; undefined if it was deleted, or the retention does not count yet.
 */
export async function lockRetention(
  { database }: InTransaction,
  planId: string,
  now: Date,
): Promise<Retention | undefined> {
  const plan = await database
    .selectFrom('backup_plans')
    .select(['retention_style', 'retention_period', 'retention_generations', 'retention_counts_from', 'timezone'])
    .where('id', '=', planId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (plan === undefined || (plan.retention_counts_from !== null && plan.retention_counts_from > now)) return undefined
  return {
    style: plan.retention_style,
    period: plan.retention_period,
    generations: plan.retention_generations ?? undefined,
    timezone: plan.timezone,
  }
}

/**
 * Records that the retention was applied: it is due again in an hour, unless a backup that succeeded meanwhile made it due, and
 * a change of it is no longer announced. The caller has locked the plan.
 */
export async function recordRetentionApplied({ database }: InTransaction, planId: string, now: Date): Promise<void> {
  const inAnHour = new Date(now.getTime() + HOUR_MS)
  await database
    .updateTable('backup_plans')
    .set({ retention_counts_from: null })
    .where('id', '=', planId)
    .where('retention_counts_from', '<=', now)
    .execute()
  await database
    .updateTable('backup_plans')
    .set({ retention_due_at: sql<Date>`greatest(${inAnHour}::timestamptz, retention_counts_from)` })
    .where('id', '=', planId)
    .where('retention_due_at', '>', now)
    .execute()
}

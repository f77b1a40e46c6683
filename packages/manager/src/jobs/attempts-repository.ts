import { notifyJobChange } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { RunAttempt } from './job.ts'

/** The attempts of runs, in their order, by the id of the first. */
export async function attemptsOfRuns(
  { database }: { database: Database },
  firstIds: readonly string[],
): Promise<Map<string, RunAttempt[]>> {
  if (firstIds.length === 0) return new Map()
  const rows = await database
    .selectFrom('jobs')
    .select(['id', 'first_attempt_id', 'attempt', 'status', 'cancelled_at', 'started_at', 'ended_at'])
    .where(({ or, eb }) => or([eb('id', 'in', firstIds), eb('first_attempt_id', 'in', firstIds)]))
    .orderBy('attempt')
    .execute()
  const attempts = rows.map((row) => ({
    firstId: row.first_attempt_id ?? row.id,
    jobId: row.id,
    number: row.attempt,
    status: row.status,
    isCancelled: row.cancelled_at !== null,
    startedAt: row.started_at,
    endedAt: row.ended_at ?? undefined,
  }))
  return Map.groupBy(attempts, ({ firstId }) => firstId)
}

/** Which attempt of a scheduled run a backup job is; undefined: it is none, or a user cancelled it. */
export async function findAttempt(
  { database }: { database: Database },
  id: string,
): Promise<{ planId: string; number: number } | undefined> {
  const row = await database
    .selectFrom('jobs')
    .select(['plan_id', 'attempt'])
    .where('id', '=', id)
    .where('kind', '=', 'backup')
    .where('due_at', 'is not', null)
    .where('cancelled_at', 'is', null)
    .executeTakeFirst()
  return row && { planId: row.plan_id, number: row.attempt }
}

/** Records which job is the next attempt after another one. */
export async function linkNextAttempt(tx: InTransaction, previousId: string, nextId: string): Promise<void> {
  await tx.database.updateTable('jobs').set({ next_attempt_id: nextId }).where('id', '=', previousId).execute()
  await notifyJobChange(tx, previousId)
}

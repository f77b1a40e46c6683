import type { Selectable } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { DeregistrationTable } from '../database/tables/deregistrations.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { Deregistration } from './deregistration.ts'

function fromRow(row: Selectable<DeregistrationTable>): Deregistration {
  return {
    id: row.id,
    instanceId: row.instance_id,
    state: row.state,
    reason: row.reason ?? undefined,
    lastBackup: row.last_backup,
    keepFilesDays: row.keep_files_days ?? undefined,
    jobIds: row.job_ids,
    requestedAt: row.requested_at,
  }
}

export async function findDeregistration(
  { database }: { database: Database },
  instanceId: string,
): Promise<Deregistration | undefined> {
  const row = await database
    .selectFrom('deregistrations')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .executeTakeFirst()
  return row && fromRow(row)
}

/** Stores a deregistration, in place of one that failed. */
export async function saveDeregistration(
  { database }: { database: Database },
  deregistration: Deregistration,
): Promise<void> {
  const values = {
    id: deregistration.id,
    state: deregistration.state,
    reason: deregistration.reason ?? null,
    last_backup: deregistration.lastBackup,
    keep_files_days: deregistration.keepFilesDays ?? null,
    job_ids: JSON.stringify(deregistration.jobIds),
    requested_at: deregistration.requestedAt,
  }
  await database
    .insertInto('deregistrations')
    .values({ instance_id: deregistration.instanceId, ...values })
    .onConflict((conflict) => conflict.column('instance_id').doUpdateSet(values))
    .execute()
}

/** Records a step of a deregistration, unless it is over. */
export async function updateDeregistration(
  { database }: { database: Database },
  { instanceId, id, state, reason, jobIds }: Deregistration,
): Promise<void> {
  await database
    .updateTable('deregistrations')
    .set({ state, reason: reason ?? null, job_ids: JSON.stringify(jobIds) })
    .where('instance_id', '=', instanceId)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .execute()
}

export async function deleteDeregistration({ database }: InTransaction, instanceId: string): Promise<void> {
  await database.deleteFrom('deregistrations').where('instance_id', '=', instanceId).execute()
}

/** Those that run, in the order of the instances, after one. */
export async function runningDeregistrations(
  { database }: { database: Database },
  after: string,
  limit: number,
): Promise<Deregistration[]> {
  const rows = await database
    .selectFrom('deregistrations')
    .selectAll()
    .where('state', '=', 'running')
    .where('instance_id', '>', after)
    .orderBy('instance_id')
    .limit(limit)
    .execute()
  return rows.map(fromRow)
}

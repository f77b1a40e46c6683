import type { Selectable, Transaction } from 'kysely'
import type { Context } from '../context.ts'
import type { RestorePointTable, Tables } from '../database/schema.ts'
import type { RestorePoint } from './restore-point.ts'

function fromRow(row: Selectable<RestorePointTable>): RestorePoint {
  return {
    id: row.id,
    jobId: row.job_id,
    planId: row.plan_id,
    instanceId: row.instance_id,
    destinationId: row.destination_id,
    item: row.item,
    prefix: row.prefix,
    filename: row.filename,
    sizeBytes: Number(row.size_bytes),
    sha256: row.sha256 ?? undefined,
    originalSizeBytes: row.original_size_bytes === null ? undefined : Number(row.original_size_bytes),
    compression: row.compression,
    encrypted: row.encrypted,
    takenAt: row.taken_at,
  }
}

/** Records a restore point within the transaction that ends its part. Recording it again changes nothing. */
export async function insertRestorePoint(transaction: Transaction<Tables>, point: RestorePoint): Promise<void> {
  await transaction
    .insertInto('restore_points')
    .values({
      id: point.id,
      job_id: point.jobId,
      plan_id: point.planId,
      instance_id: point.instanceId,
      destination_id: point.destinationId,
      item: point.item,
      prefix: point.prefix,
      filename: point.filename,
      size_bytes: point.sizeBytes,
      sha256: point.sha256 ?? null,
      original_size_bytes: point.originalSizeBytes ?? null,
      compression: point.compression,
      encrypted: point.encrypted,
      taken_at: point.takenAt,
      deleted_at: null,
    })
    .onConflict((conflict) => conflict.constraint('restore_points_one_per_part').doNothing())
    .execute()
}

/** The restore points of one backup job whose objects are still there. */
export async function pointsOfJob({ database }: Pick<Context, 'database'>, jobId: string): Promise<RestorePoint[]> {
  const rows = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('deleted_at', 'is', null)
    .execute()
  return rows.map(fromRow)
}

export async function findPoint(
  { database }: Pick<Context, 'database'>,
  id: string,
): Promise<RestorePoint | undefined> {
  const row = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && fromRow(row)
}

/** Marks a restore point as gone. Only after its object was removed. */
export async function markPointDeleted({ database }: Pick<Context, 'database'>, id: string, now: Date): Promise<void> {
  await database.updateTable('restore_points').set({ deleted_at: now }).where('id', '=', id).execute()
}

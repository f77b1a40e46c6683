import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

/** How the backup jobs of an instance ended. */
export interface BackupCounts {
  succeeded: number
  failed: number
  cancelled: number
}

/** How the backup jobs of an instance ended that were started since an instant. */
export async function countBackups(
  { database }: { database: Database },
  instanceId: string,
  since: Date,
): Promise<BackupCounts> {
  const { rows } = await sql<Record<keyof BackupCounts, string>>`
    select count(*) filter (where status = 'SUCCEEDED') as succeeded,
      count(*) filter (where status = 'FAILED' and cancelled_at is null) as failed,
      count(*) filter (where status = 'FAILED' and cancelled_at is not null) as cancelled
    from jobs where instance_id = ${instanceId} and kind = 'backup' and started_at >= ${since} and ended_at is not null`.execute(
    database,
  )
  const [row] = rows
  return {
    succeeded: Number(row?.succeeded ?? 0),
    failed: Number(row?.failed ?? 0),
    cancelled: Number(row?.cancelled ?? 0),
  }
}

import type { Database } from '../database/open-database.ts'

/** The backup jobs that wait or run, by plan. */
export async function openJobsOfPlans(
  { database }: { database: Database },
  planIds: readonly string[],
): Promise<Map<string, string>> {
  if (planIds.length === 0) return new Map()
  const rows = await database
    .selectFrom('jobs')
    .select(['id', 'plan_id'])
    .where('plan_id', 'in', planIds)
    .where('kind', '=', 'backup')
    .where('ended_at', 'is', null)
    .execute()
  return new Map(rows.map((row) => [row.plan_id, row.id]))
}

/** Whether a job that waits or runs uses a destination. */
export async function hasOpenJobsIn({ database }: { database: Database }, destinationId: string): Promise<boolean> {
  const found = await database
    .selectFrom('jobs')
    .select('id')
    .where('destination_id', '=', destinationId)
    .where('ended_at', 'is', null)
    .limit(1)
    .execute()
  return found.length > 0
}

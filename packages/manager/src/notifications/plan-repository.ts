import type { Database } from '../database/open-database.ts'

/** The service instance of a plan; undefined if there is no such plan. */
export async function findPlanInstance(
  { database }: { database: Database },
  planId: string,
): Promise<string | undefined> {
  const row = await database
    .selectFrom('backup_plans')
    .select('instance_id')
    .where('id', '=', planId)
    .executeTakeFirst()
  return row?.instance_id
}

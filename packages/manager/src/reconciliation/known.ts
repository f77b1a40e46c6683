import type { Context } from '../context/context.ts'
import { pointFromRow } from '../restore-points/repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'

/** The plans that store in a destination, or did so once. */
export async function plansOfDestination(
  { database }: Pick<Context, 'database'>,
  destinationId: string,
): Promise<string[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select('id as planId')
    .where('destination_id', '=', destinationId)
    .union(
      database.selectFrom('restore_points').select('plan_id as planId').where('destination_id', '=', destinationId),
    )
    .union(
      database
        .selectFrom('jobs')
        .select('plan_id as planId')
        .where('destination_id', '=', destinationId)
        .where('plan_id', 'is not', null)
        .$narrowType<{ planId: string }>(),
    )
    .execute()
  return rows.map((row) => row.planId).sort()
}

/** All restore points of a plan whose objects are not gone, in whatever destination: two may name the same bucket. */
export async function pointsOfPlan({ database }: Pick<Context, 'database'>, planId: string): Promise<RestorePoint[]> {
  const rows = await database
    .selectFrom('restore_points')
    .selectAll()
    .where('plan_id', '=', planId)
    .where('deleted_at', 'is', null)
    .execute()
  return rows.map(pointFromRow)
}

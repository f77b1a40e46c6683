import { sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { contains, isGranted } from '../database/conditions.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { BackupPlan } from './plan.ts'
import { planFromRow } from './repository.ts'

/** What a list of plans over many instances is filtered by. */
export interface PlanSearch {
  scope: Grants
  item?: string | undefined
  destinationId?: string | undefined
  paused?: boolean | undefined
  /** In their name. */
  text?: string | undefined
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of plans, newest first. */
export async function searchPlans(
  context: RepositoryContext,
  { scope, item, destinationId, paused, text }: PlanSearch,
  page: KeysetRequest,
): Promise<KeysetPage<BackupPlan>> {
  let query = context.database.selectFrom('backup_plans').selectAll().where(isGranted('instance_id', scope))
  if (item !== undefined) query = query.where(sql<boolean>`items @> ${JSON.stringify([item])}::jsonb`)
  if (destinationId !== undefined) query = query.where('destination_id', '=', destinationId)
  if (paused !== undefined) query = query.where('paused', '=', paused)
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => planFromRow(context, row)), ...rest }
}

/** The plans of several instances. */
export async function plansOfInstances(
  context: RepositoryContext,
  instanceIds: readonly string[],
): Promise<BackupPlan[]> {
  const rows = await context.database
    .selectFrom('backup_plans')
    .selectAll()
    .where('instance_id', '=', sql<string>`any(${instanceIds}::text[])`)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => planFromRow(context, row))
}

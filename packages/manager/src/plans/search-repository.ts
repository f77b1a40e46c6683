import { sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { contains, type InstanceRange, isGranted, isOfInstances } from '../database/conditions.ts'
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

/** Whether a list of names and patterns includes an item. Of a pattern only `*` is special. */
const includesItem = (column: 'items' | 'excluded_items', item: string) => sql<boolean>`exists (
  select from jsonb_array_elements_text(${sql.ref(column)}) as pattern
  where position('*' in pattern) > 0
    and ${item} like replace(replace(replace(replace(pattern, '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%')
    or pattern = ${item})`

/** As `coversItem` of core. */
const coversItem = (item: string) => sql<boolean>`(
  items @> ${JSON.stringify([item])}::jsonb
  or (${includesItem('items', item)} and not ${includesItem('excluded_items', item)}))`

/** One page of plans, newest first. */
export async function searchPlans(
  context: RepositoryContext,
  { scope, item, destinationId, paused, text }: PlanSearch,
  page: KeysetRequest,
): Promise<KeysetPage<BackupPlan>> {
  let query = context.database.selectFrom('backup_plans').selectAll().where(isGranted('instance_id', scope))
  if (item !== undefined) query = query.where(coversItem(item))
  if (destinationId !== undefined) query = query.where('destination_id', '=', destinationId)
  if (paused !== undefined) query = query.where('paused', '=', paused)
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => planFromRow(context, row)), ...rest }
}

/** The next run of a plan. */
export interface NextRun extends Pick<BackupPlan, 'instanceId' | 'name'> {
  planId: string
  runAt: Date
}

/** The plans of instances that run next, the first one first. */
export async function searchNextRuns(
  { database }: Pick<RepositoryContext, 'database'>,
  scope: Grants,
  limit: number,
): Promise<NextRun[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select(['id', 'instance_id', 'name', 'next_run_at'])
    .where('next_run_at', 'is not', null)
    .where(isGranted('instance_id', scope))
    .orderBy('next_run_at')
    .limit(limit)
    .execute()
  return rows.flatMap(({ id: planId, instance_id: instanceId, name, next_run_at: runAt }) =>
    runAt === null ? [] : [{ planId, instanceId, name, runAt }],
  )
}

/** What the protection of items depends on of a plan. */
export type PlanCoverage = Pick<
  BackupPlan,
  'id' | 'instanceId' | 'items' | 'excludedItems' | 'paused' | 'frequency' | 'timezone' | 'rpoSeconds' | 'createdAt'
> & {
  /** What its drills cover of its items, and since when; undefined: it has none. */
  drills: { items: readonly string[] | undefined; since: Date } | undefined
}

/** What plans of several instances cover, without opening their secrets. */
export async function coverageOfInstances(
  { database }: Pick<RepositoryContext, 'database'>,
  instances: readonly string[] | InstanceRange,
): Promise<PlanCoverage[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select([
      'id',
      'instance_id',
      'items',
      'excluded_items',
      'paused',
      'frequency',
      'timezone',
      'rpo_seconds',
      'created_at',
      'drill',
      'drill_since',
    ])
    .where(isOfInstances('instance_id', instances))
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ instance_id, rpo_seconds, created_at, excluded_items, drill, drill_since, ...row }) => ({
    ...row,
    drills: drill === null ? undefined : { items: drill.items, since: drill_since ?? created_at },
    excludedItems: excluded_items,
    instanceId: instance_id,
    rpoSeconds: rpo_seconds ?? undefined,
    createdAt: created_at,
  }))
}

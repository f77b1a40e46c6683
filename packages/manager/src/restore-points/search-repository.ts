import { sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import { contains, isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { pointFromRow } from './repository.ts'
import type { RestorePoint, VerificationState } from './restore-point.ts'

interface RepositoryContext {
  database: Database
}

/** What a list of restore points over many instances is filtered by. */
export interface PointSearch {
  scope: Grants
  planId?: string | undefined
  jobId?: string | undefined
  destinationId?: string | undefined
  item?: string | undefined
  verified?: VerificationState | undefined
  held?: boolean | undefined
  suspicious?: boolean | undefined
  /** Of when they were taken. */
  since?: Date | undefined
  until?: Date | undefined
  /** In the name of their item or object. */
  text?: string | undefined
}

const key = [{ name: 'sequence', type: 'number' }] as const

/** One page of restore points, newest first. */
export async function searchPoints(
  { database }: RepositoryContext,
  search: PointSearch,
  page: KeysetRequest,
): Promise<KeysetPage<RestorePoint>> {
  const { planId, jobId, destinationId, item, verified, held, suspicious, since, until, text } = search
  let query = database
    .selectFrom('restore_points')
    .selectAll()
    .where('deleted_at', 'is', null)
    .where(isGranted('instance_id', search.scope))
  if (planId !== undefined) query = query.where('plan_id', '=', planId)
  if (jobId !== undefined) query = query.where('job_id', '=', jobId)
  if (destinationId !== undefined) query = query.where('destination_id', '=', destinationId)
  if (item !== undefined) query = query.where('item', '=', item)
  if (verified !== undefined) query = query.where('verified_state', '=', verified)
  if (held !== undefined) query = query.where('held', '=', held)
  if (suspicious !== undefined) query = query.where('suspicious', '=', suspicious)
  if (since !== undefined) query = query.where('taken_at', '>=', since)
  if (until !== undefined) query = query.where('taken_at', '<', until)
  if (text !== undefined) query = query.where(({ or }) => or([contains('item', text), contains('filename', text)]))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(pointFromRow), ...rest }
}

/** What the restore points of one item say of its protection. */
export interface ItemPoints {
  instanceId: string
  item: string
  total: number
  /** When the newest good and unsuspicious one was taken. */
  newestGoodAt: Date | undefined
}

/**
 * What the restore points of instances say of the protection of each item. Those whose object is being removed do not count.
 *
 * @param latest - Those that are dated later do not count as good: a clock was wrong.
 */
export async function pointsByItem(
  { database }: RepositoryContext,
  instanceIds: readonly string[],
  latest: Date,
): Promise<ItemPoints[]> {
  const rows = await database
    .selectFrom('restore_points')
    .select(['instance_id', 'item'])
    .select((select) => select.fn.countAll<string>().as('total'))
    .select(
      sql<Date | null>`(array_agg(taken_at order by sequence desc) filter (where not after_failure and not suspicious
        and taken_at <= ${latest} and coalesce(verified_state, 'intact') = 'intact'))[1]`.as('newest_good_at'),
    )
    .where('instance_id', '=', sql<string>`any(${instanceIds}::text[])`)
    .where('deleted_at', 'is', null)
    .where('removal_requested_at', 'is', null)
    .groupBy(['instance_id', 'item'])
    .execute()
  return rows.map((row) => ({
    instanceId: row.instance_id,
    item: row.item,
    total: Number(row.total),
    newestGoodAt: row.newest_good_at ?? undefined,
  }))
}

/** How many restore points there are, and what they take together. */
export async function sumPoints(
  { database }: RepositoryContext,
  scope: Grants,
): Promise<{ total: number; sizeBytes: number }> {
  const row = await database
    .selectFrom('restore_points')
    .where('deleted_at', 'is', null)
    .where(isGranted('instance_id', scope))
    .select((select) => select.fn.countAll<string>().as('total'))
    .select(sql<string>`coalesce(sum(size_bytes), 0)`.as('size'))
    .executeTakeFirstOrThrow()
  return { total: Number(row.total), sizeBytes: Number(row.size) }
}

import type { Grants } from '../access/caller.ts'
import { beginsWith, contains, isGranted } from '../database/conditions.ts'
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
  /** Whether their object is being removed. */
  deleting?: boolean | undefined
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
  const { planId, jobId, destinationId, item, verified, held, suspicious, deleting, since, until, text } = search
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
  if (deleting !== undefined) query = query.where('removal_requested_at', deleting ? 'is not' : 'is', null)
  if (since !== undefined) query = query.where('taken_at', '>=', since)
  if (until !== undefined) query = query.where('taken_at', '<', until)
  if (text !== undefined) {
    query = query.where(({ or }) => or([beginsWith('id', text), contains('item', text), contains('filename', text)]))
  }
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(pointFromRow), ...rest }
}

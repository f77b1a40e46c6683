import { authorizeInstance, type Call } from '../access/call.ts'
import { requirePermission } from '../access/limits.ts'
import { scopeOf } from '../access/scope.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import { compactCounters } from './counters-repository.ts'
import * as marks from './marks-repository.ts'
import * as repository from './repository.ts'
import type { PointFilter, RestorePoint } from './restore-point.ts'
import type { PointSearch } from './search-repository.ts'
import * as search from './search-repository.ts'
import { compactStoredBytes } from './stored-bytes-repository.ts'

/** One page of the restore points of an instance, newest first unless requested otherwise. */
export async function listPoints(
  context: Context,
  call: Call,
  filter: PointFilter,
  page: PageRequest,
): Promise<PageOf<RestorePoint>> {
  await authorizeInstance(call, filter.instanceId)
  return repository.listPoints(context, filter, page)
}

/** @throws {RequestError} If there is no such restore point, or the caller was not granted its instance. */
export async function getPoint(context: Context, call: Call, id: string): Promise<RestorePoint> {
  const point = await repository.findPoint(context, id)
  if (point === undefined) throw notFound('restore point', id)
  await authorizeInstance(call, point.instanceId, { what: 'restore point', id })
  return point
}

/** The restore points of a backup job; for callers that were authorized already. */
export function pointsOfJob(context: Context, jobId: string): Promise<RestorePoint[]> {
  return repository.pointsOf(context, { jobId })
}

/**
 * Holds a restore point, or releases it.
 *
 * @throws {RequestError} If its object is being removed.
 */
export async function setHeld(context: Context, call: Call, id: string, held: boolean): Promise<RestorePoint> {
  const point = await getPoint(context, call, id)
  if (!held && point.held) requirePermission(call, 'delete-backups', 'Releasing a restore point')
  await inAuditedTransaction(context, call, async (tx) => {
    if (await marks.setHeld(tx, id, held)) return
    throw new RequestError('conflict', `The restore point ${id} is being removed.`)
  })
  return { ...point, held }
}

/** Compacts what changed of the restore point counters, and of the size that is stored. Returns whether there may be more. */
export async function compactPointCounters(context: Pick<Context, 'database'>): Promise<boolean> {
  const results = [await compactCounters(context), await compactStoredBytes(context)]
  return results.includes(true)
}

/** One page of the restore points of all instances that the caller was granted, or of one, newest first. */
export async function searchPoints(
  context: Pick<Context, 'database'>,
  call: Call,
  { instanceId, ...filter }: Omit<PointSearch, 'scope'> & { instanceId?: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<RestorePoint>> {
  return search.searchPoints(context, { ...filter, scope: await scopeOf(call, instanceId) }, page)
}

import { StoreError } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'
import { pointsBeingRestored, removeObject, requestRemoval, takeRemovals } from './service.ts'

/**
 * Removes the objects of restore points because somebody asked for it.
 *
 * @throws {RequestError} If one is held or being restored, before anything is removed; or if a store refuses: the others
 *   are removed, and what is left is tried again until it is gone.
 */
export async function removeFiles(context: Context, points: readonly RestorePoint[]): Promise<void> {
  const taken = await context.database.transaction().execute(async (transaction) => {
    const ids = points.map((point) => point.id)
    await requestRemoval(transaction, ids, 'REQUESTED', context.now())
    const kept = await transaction
      .selectFrom('restore_points')
      .select(['id', 'item', 'held'])
      .where('id', 'in', ids.length === 0 ? [''] : ids)
      .where('removal_requested_at', 'is', null)
      .where('deleted_at', 'is', null)
      .executeTakeFirst()
    if (kept === undefined) return takeRemovals(transaction, ids, context.now())
    const read = await pointsBeingRestored(transaction, [kept.id])
    const what = `The restore point ${kept.id} of ${JSON.stringify(kept.item)}`
    throw new RequestError(
      'conflict',
      read.has(kept.id) ? `${what} is being restored: wait for the end.` : `${what} is held: release it first.`,
    )
  })
  const refusals: StoreError[] = []
  for (const point of taken) {
    await removeObject(context, point, new AbortController().signal).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error
      refusals.push(error)
    })
  }
  const [cause] = refusals
  if (cause === undefined) return
  const count = refusals.length === 1 ? 'A file is' : `${refusals.length} files are`
  throw new RequestError('conflict', `${count} not removed yet, and tried again until gone: ${cause.message}`, {
    cause,
  })
}

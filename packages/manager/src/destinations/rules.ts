import { realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { StoreSettings } from '@osb-backup/storage'
import type { Context } from '../context.ts'
import { RequestError } from '../request-error.ts'

/**
 * Refuses destinations that the operator does not allow: a FILE destination lies inside `FILE_DESTINATION_ROOT`, and
 * without that setting there are none.
 */
export async function checkAllowed(store: StoreSettings, { settings }: Pick<Context, 'settings'>): Promise<void> {
  if (store.type !== 'file') return
  const root = settings.fileDestinationRoot
  if (root === undefined) {
    throw new RequestError('invalid', 'FILE destinations are off: the operator has not set FILE_DESTINATION_ROOT.', {
      field: 'type',
    })
  }
  const isPlain = resolve(store.directory) === store.directory.replace(/(?<=.)\/$/, '')
  const real = await Promise.all([store.directory, root].map((path) => realpath(path).catch(() => resolve(path))))
  // Also where a link leads, unless the directory is not there yet: then the store refuses by itself.
  if (!isPlain || !isInside(store.directory, root) || !isInside(real[0] ?? '', real[1] ?? '')) {
    throw new RequestError('invalid', `directory must be a plain path inside ${root}.`, { field: 'directory' })
  }
}

function isInside(path: string, root: string): boolean {
  return resolve(path) === resolve(root) || resolve(path).startsWith(resolve(root) + sep)
}

/** Refuses to delete a destination that a plan still backs up to. */
export async function checkUnused({ database }: Pick<Context, 'database'>, destinationId: string): Promise<void> {
  const plan = await database
    .selectFrom('backup_plans')
    .select('name')
    .where('destination_id', '=', destinationId)
    .limit(1)
    .executeTakeFirst()
  if (plan === undefined) return
  throw new RequestError('conflict', `The backup plan ${JSON.stringify(plan.name)} still uses this file destination.`)
}

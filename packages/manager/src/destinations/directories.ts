import { realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { type StoreSettings, stores } from '@osb-backup/storage'
import type { Database } from '../database/open-database.ts'
import { RequestError } from '../shared/request-error.ts'
import type { FileDestination } from './destination.ts'
import * as repository from './repository.ts'

/**
 * Makes sure that the directory of a destination belongs to its instance alone: no directory of another instance is in it, or
 * it in one of theirs. Retired destinations count, since their objects stay. Within a transaction that stores the destination,
 * `lockDirectories` was called before.
 *
 * @throws {RequestError} If it overlaps with a directory of another instance.
 */
export async function requireOwnDirectory(
  context: { database: Database },
  { instanceId, store }: Pick<FileDestination, 'instanceId' | 'store'>,
): Promise<void> {
  const directory = await realDirectoryOf(store)
  if (directory === undefined) return
  for (const other of await repository.storesOfOtherInstances(context, instanceId)) {
    const taken = await realDirectoryOf(other)
    if (taken === undefined || !(isInside(directory, taken) || isInside(taken, directory))) continue
    const message =
      'directory must be used by one service instance only: another one uses it, or a directory inside or above it.'
    throw new RequestError('invalid', message, { field: 'store.directory' })
  }
}

/** With symbolic links followed; undefined for stores that are no directory. */
async function realDirectoryOf(store: StoreSettings): Promise<string | undefined> {
  const directory = stores.kindOf(store).localDirectory(store)
  return directory && (await realpath(directory).catch(() => resolve(directory)))
}

/** Whether a path is a directory or inside of it. Both are absolute. */
export function isInside(path: string, directory: string): boolean {
  const [inner, outer] = [resolve(path), resolve(directory)]
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)
}

import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '@osb-backup/node'
import { compareNames } from '../object-name.ts'
import type { StoredObject } from '../object-store.ts'
import { isTemporary, realRootOf } from './file-directories.ts'
import { toFileStoreError } from './file-error.ts'

/** Lists the regular files below a directory whose names begin with `prefix`, in byte order of names. */
export async function* walk(
  root: string,
  prefix: string,
  doing: string,
  signal?: AbortSignal,
): AsyncGenerator<StoredObject> {
  signal?.throwIfAborted()
  const realRoot = await realRootOf(root).catch((error) => {
    throw toFileStoreError(error, doing)
  })
  yield* walkBelow(realRoot, '')

  async function* walkBelow(directory: string, above: string): AsyncGenerator<StoredObject> {
    for (const entry of await entriesOf(directory, above)) {
      signal?.throwIfAborted()
      // A directory is sorted by its name with the slash: `a-b` comes before `a/b`, and `a/b` before `a0`.
      if (entry.endsWith('/')) {
        if (entry.startsWith(prefix) || prefix.startsWith(entry)) yield* walkBelow(join(realRoot, entry), entry)
      } else if (entry.startsWith(prefix)) {
        const object = await describe(entry)
        if (object) yield object
      }
    }
  }

  async function entriesOf(directory: string, above: string): Promise<string[]> {
    try {
      const entries = await readdir(directory, { withFileTypes: true })
      return entries
        .filter((entry) => entry.isDirectory() || (entry.isFile() && !isTemporary(entry.name)))
        .map((entry) => above + entry.name + (entry.isDirectory() ? '/' : ''))
        .sort(compareNames)
    } catch (error) {
      if (errorCode(error) === 'ENOENT' && above !== '') return [] // pruned while the list went on
      throw toFileStoreError(error, doing)
    }
  }

  async function describe(name: string): Promise<StoredObject | undefined> {
    try {
      const stats = await lstat(join(realRoot, name))
      return { name, sizeBytes: stats.size, modifiedAt: stats.mtime }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined // removed while the list went on
      throw toFileStoreError(error, doing)
    }
  }
}

import { lstat, rename } from 'node:fs/promises'
import { renameUnlessExists } from '@osb-backup/node'
import { StoreError } from '../store-error.ts'

/**
 * Gives an uploaded file its name unless another object has it. A symbolic link of that name is replaced, as elsewhere in the store.
 *
 * @throws {StoreError} With code `exists` if one has.
 */
export async function placeNew(temporary: string, path: string, doing: string): Promise<void> {
  if (await renameUnlessExists(temporary, path)) return
  if ((await lstat(path).catch(() => undefined))?.isFile()) {
    throw new StoreError('exists', `Could not ${doing}: an object of this name exists, and may not be replaced.`)
  }
  await rename(temporary, path)
}

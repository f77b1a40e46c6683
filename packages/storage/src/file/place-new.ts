import { link, lstat, rename, unlink } from 'node:fs/promises'
import { StoreError } from '../store-error.ts'
import { systemCode } from './file-error.ts'

/** What file systems without hard links say: FAT, and some shares. */
const linkless = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/**
 * Gives a file its name unless another file has it. A link is refused where one has, which a renaming would replace; only
 * where there are no links it is looked for first, and may be missed.
 *
 * @throws {StoreError} With code `exists` if one has.
 */
export async function placeNew(temporary: string, path: string, doing: string): Promise<void> {
  try {
    await link(temporary, path)
    await unlink(temporary)
  } catch (error) {
    const code = systemCode(error) ?? ''
    const isFile = (await lstat(path).catch(() => undefined))?.isFile() ?? false
    if (code !== 'EEXIST' && !linkless.has(code)) throw error
    if (isFile) {
      throw new StoreError('exists', `Could not ${doing}: an object of this name is there, and may not be replaced.`, {
        cause: error,
      })
    }
    await rename(temporary, path)
  }
}

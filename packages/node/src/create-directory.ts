import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from './atomic-file.ts'
import { errorCode } from './errors.ts'

/**
 * Creates a directory and its missing parents. A directory that exists is left unchanged. Replaces Node's recursive mkdir,
 * which never returns where a directory can be entered but not hold others, such as below /proc.
 *
 * @param path - Absolute.
 * @param mode - Permissions of every directory that is created.
 */
export async function createDirectory(path: string, mode: number): Promise<void> {
  const failure = await tryCreate(path, mode)
  if (failure === undefined) return
  const parent = dirname(path)
  if (errorCode(failure) !== 'ENOENT' || parent === path) throw failure
  await createDirectory(parent, mode)
  const second = await tryCreate(path, mode)
  if (second !== undefined) throw second
}

/** Returns why the directory could not be created; undefined if it exists now. */
async function tryCreate(path: string, mode: number): Promise<unknown> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') return error
    if ((await stat(path)).isDirectory()) return undefined
    return Object.assign(new Error(`${path} is not a directory`, { cause: error }), { code: 'ENOTDIR' })
  }
  // A parent that may be written but not read cannot be opened, so it cannot be synced either.
  await syncDirectory(dirname(path)).catch((error: unknown) => {
    if (errorCode(error) !== 'EACCES') throw error
  })
  return undefined
}

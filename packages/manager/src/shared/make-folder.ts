import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it that are missing. One that is there stays as it is. (Node's own recursive mkdir never
 * returns where a folder can be entered but holds no folders, such as /proc.)
 *
 * @param path - Absolute.
 * @param mode - Of what is made.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const failure = await tryMakeFolder(path, mode)
  if (failure === undefined) return
  if (failure.code !== 'ENOENT' || dirname(path) === path) throw failure
  await makeFolder(dirname(path), mode)
  const second = await tryMakeFolder(path, mode)
  if (second !== undefined) throw second
}

/** Returns why the folder could not be made; undefined if it is there now. */
async function tryMakeFolder(path: string, mode: number): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path, { mode })
    return undefined
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    if (failure.code !== 'EEXIST') return failure
    if ((await stat(path)).isDirectory()) return undefined
    return Object.assign(new Error(`${path} is not a directory`, { cause: error }), { code: 'ENOTDIR' })
  }
}

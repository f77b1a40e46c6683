import { randomBytes } from 'node:crypto'
import { link, lstat, open, readdir, rename, rm, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode } from './errors.ts'

const TEMPORARY_PREFIX = '.tmp-'
/** What directories answer to fsync on file systems that do not support it. */
const NO_DIRECTORY_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EBADF', 'EISDIR'])
/** What file systems without hard links answer, such as FAT and some network shares. */
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

interface FileOptions {
  /** Permissions of the file; the umask may narrow them. By default only its owner can read it. */
  mode?: number
}

/**
 * Writes a file so that a crash of the process or of the machine at any moment leaves either the old content or the new
 * one. Content and name are on disk when this resolves.
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array, options: FileOptions = {}) {
  const temporary = await writeTemporary(path, content, options)
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/**
 * Writes a file like `writeFileAtomically`, unless the name is taken: of several processes exactly one succeeds.
 *
 * @returns Whether the file was created. False: there is one, and it is unchanged.
 */
export async function createFileAtomically(
  path: string,
  content: string | Uint8Array,
  options: FileOptions = {},
): Promise<boolean> {
  const temporary = await writeTemporary(path, content, options)
  try {
    if (!(await renameUnlessExists(temporary, path))) return false
    await syncDirectory(dirname(path))
    return true
  } finally {
    await rm(temporary, { force: true })
  }
}

/**
 * Renames a file unless the new name is taken. A hard link cannot replace anything, which a rename would. On a file system
 * without hard links the name is checked first, so another process may still come in between.
 *
 * @returns Whether the file was renamed. If not, it keeps its old name.
 */
export async function renameUnlessExists(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
  } catch (error) {
    const code = errorCode(error) ?? ''
    if (code === 'EEXIST') return false
    if (!NO_HARD_LINKS.has(code)) throw error
    if (await exists(to)) return false
    await rename(from, to)
    return true
  }
  await unlink(from)
  return true
}

/** Makes names that were added, changed or removed in a directory survive a power failure, where the file system can. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (!NO_DIRECTORY_SYNC.has(errorCode(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}

/** Whether a file name is one of those that atomic writes use until they rename. After a crash such files may remain. */
export const isTemporaryFile = (name: string): boolean => name.startsWith(TEMPORARY_PREFIX)

/** Removes what atomic writes left in a directory in a crash. No process may be writing there. */
export async function removeTemporaryFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (isTemporaryFile(name)) await rm(join(directory, name))
}

async function writeTemporary(path: string, content: string | Uint8Array, options: FileOptions): Promise<string> {
  const temporary = join(dirname(path), `${TEMPORARY_PREFIX}${randomBytes(8).toString('hex')}`)
  const handle = await open(temporary, 'wx', options.mode ?? 0o600)
  try {
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  return temporary
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

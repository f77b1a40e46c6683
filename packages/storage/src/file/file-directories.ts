import { randomBytes } from 'node:crypto'
import { mkdir, realpath, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, syncDirectory } from '@osb-backup/node'
import { validateObjectName } from '../object-name.ts'
import { StoreError } from '../store-error.ts'

const TEMPORARY_PREFIX = '.osb-upload-'
/**
 * Its group may add and remove files: the manager, with an account of its own, deletes what agents store. The umask restricts this, and
 * usual ones do; a directory with the set-group-ID bit hands its group down.
 */
const DIRECTORY_MODE = 0o770
const MAXIMUM_SEGMENT_BYTES = 255

/** The location of an object's file. */
export interface Place {
  path: string
  /** The directory that contains it, below the store's own, without links. */
  directory: string
}

/** Whether a file belongs to an upload that is in progress or was interrupted by a crash. */
export function isTemporary(fileName: string): boolean {
  return fileName.startsWith(TEMPORARY_PREFIX)
}

/** A new name in a directory for a file that is still being written. */
export function temporaryPath(directory: string): string {
  return join(directory, `${TEMPORARY_PREFIX}${randomBytes(12).toString('hex')}`)
}

/**
 * Finds the location of an object's file.
 *
 * @throws {StoreError} If the name is not allowed, the root is missing, or a symbolic link is part of the path. A
 *   missing subdirectory is the system's ENOENT.
 */
export async function directoryOf(root: string, name: string): Promise<Place> {
  const segments = segmentsOf(name)
  const realRoot = await realRootOf(root)
  const path = join(realRoot, ...segments)
  const directory = dirname(path)
  if ((await realpath(directory)) !== directory) {
    throw new StoreError('denied', `"${name}" leads through a symbolic link in ${root}, which is not followed.`)
  }
  return { path, directory }
}

/** Like `directoryOf`, but creates missing subdirectories. */
export async function makeDirectoryOf(root: string, name: string): Promise<Place> {
  const segments = segmentsOf(name)
  let directory = await realRootOf(root)
  for (const segment of segments.slice(0, -1)) {
    const parent = directory
    directory = join(parent, segment)
    try {
      await mkdir(directory, { mode: DIRECTORY_MODE })
      await syncDirectory(parent)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
    if ((await realpath(directory)) !== directory) {
      throw new StoreError('denied', `"${name}" leads through a symbolic link in ${root}, which is not followed.`)
    }
  }
  return { path: join(directory, segments.at(-1) ?? ''), directory }
}

/** Removes the empty subdirectories of a name, innermost first; those in use are kept. */
export async function pruneDirectories(root: string, name: string): Promise<void> {
  const segments = segmentsOf(name)
  for (let depth = segments.length - 1; depth > 0; depth--) {
    try {
      await rmdir(join(root, ...segments.slice(0, depth)))
    } catch {
      // Not empty, already removed or owned by another user: an empty directory that remains is harmless.
      return
    }
  }
}

/** @throws {StoreError} With code `absent` if the store's directory does not exist. */
export async function realRootOf(root: string): Promise<string> {
  try {
    return await realpath(root)
  } catch (error) {
    const code = errorCode(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
    throw new StoreError('absent', `The directory ${root} does not exist; create it or mount it.`, { cause: error })
  }
}

function segmentsOf(name: string): string[] {
  validateObjectName(name)
  const segments = name.split('/')
  for (const segment of segments) {
    if (Buffer.byteLength(segment) > MAXIMUM_SEGMENT_BYTES) {
      const shown = `${segment.slice(0, 40)}…`
      throw new StoreError(
        'invalid-name',
        `"${shown}" is longer than the ${MAXIMUM_SEGMENT_BYTES} bytes a file name may have.`,
      )
    }
    if (isTemporary(segment)) {
      throw new StoreError('invalid-name', `"${segment}" begins like a temporary file (${TEMPORARY_PREFIX}).`)
    }
  }
  return segments
}

import { constants } from 'node:fs'
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'
import { errorCode, syncDirectory } from '@osb-backup/node'
import {
  type CallOptions,
  type GetOptions,
  isSameObject,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
} from '../object-store.ts'
import { type RetryOptions, retryOf, withRetries } from '../retrying.ts'
import { combineErrors, StoreError } from '../store-error.ts'
import type { StoreOptions } from '../store-options.ts'
import { limited } from '../transfer/bandwidth.ts'
import { directoryOf, makeDirectoryOf, type Place, pruneDirectories, temporaryPath } from './file-directories.ts'
import { toFileStoreError } from './file-error.ts'
import { readFrom } from './file-reader.ts'
import type { FileSettings } from './file-settings.ts'
import { walk } from './file-walk.ts'
import { writeWhole } from './file-writer.ts'
import { placeNew } from './place-new.ts'

/** The owner may read and write, its group may read. The umask may restrict this further. */
const FILE_MODE = 0o640
const CREATE_ATTEMPTS = 20

/**
 * A directory as an object store. Slashes in names create subdirectories, which are removed when they become empty. An
 * object is written under a temporary name in its directory, synced, and renamed, so a crash leaves either the complete
 * object or a temporary file that is never listed.
 *
 * Invariant: nothing outside the directory is read or written; symbolic links inside it are not followed.
 */
export class FileStore implements ObjectStore {
  readonly location: string
  readonly #root: string
  readonly #bandwidth: StoreOptions['bandwidth']
  readonly #retry: RetryOptions

  constructor(settings: FileSettings, options: StoreOptions = {}) {
    this.#root = settings.directory
    this.#bandwidth = options.bandwidth
    this.#retry = retryOf(options.retry)
    this.location = `directory ${settings.directory}`
  }

  async put(name: string, content: Readable, options: PutOptions = {}): Promise<StoredObject> {
    const doing = `store "${name}" in ${this.location}`
    try {
      return await this.#write(name, limited(content, this.#bandwidth), doing, options)
    } finally {
      if (!content.destroyed) content.destroy()
    }
  }

  async #write(name: string, content: Readable, doing: string, options: PutOptions): Promise<StoredObject> {
    const retry = this.#retry
    const { signal } = options
    const create = () =>
      this.#create(name).catch((error: unknown) => {
        throw toFileStoreError(error, doing)
      })
    const { place, temporary, handle } = await withRetries(create, retry, signal)
    try {
      await options.recorder?.begun(basename(temporary)).catch(async (error: unknown) => {
        await handle.close()
        throw error
      })
      const sizeBytes = await writeWhole(handle, content, { doing, retry, signal })
      const { mtime: modifiedAt } = await lstat(temporary).catch((error: unknown) => {
        throw toFileStoreError(error, doing)
      })
      await options.recorder?.committing({ sizeBytes, modifiedAt })
      try {
        if (options.mustBeNew) await placeNew(temporary, place.path, doing)
        else await rename(temporary, place.path)
        await syncDirectory(place.directory)
        return { name, sizeBytes, modifiedAt: (await lstat(place.path)).mtime }
      } catch (error) {
        throw toFileStoreError(error, doing)
      }
    } catch (error) {
      await removeIfPresent(temporary).catch((cause) => {
        throw combineErrors(error, toFileStoreError(cause, `remove the temporary file ${temporary} after a failure`))
      })
      await pruneDirectories(this.#root, name)
      throw error
    }
  }

  /** Creates the temporary file. Its directory may be removed concurrently, since others prune empty directories. */
  async #create(name: string): Promise<{ place: Place; temporary: string; handle: FileHandle }> {
    for (let attempt = 1; ; attempt++) {
      try {
        const place = await makeDirectoryOf(this.#root, name)
        const temporary = temporaryPath(place.directory)
        return { place, temporary, handle: await open(temporary, 'wx', FILE_MODE) }
      } catch (error) {
        if (errorCode(error) !== 'ENOENT' || attempt === CREATE_ATTEMPTS) throw error
      }
    }
  }

  async get(name: string, options: GetOptions = {}): Promise<Readable> {
    const doing = `read "${name}" from ${this.location}`
    options.signal?.throwIfAborted()
    try {
      const place = await directoryOf(this.#root, name)
      const handle = await open(place.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
      const stats = await handle.stat().catch(async (error) => {
        await handle.close()
        throw error
      })
      if (!stats.isFile()) {
        await handle.close()
        throw new StoreError('absent', `There is no object "${name}" in ${this.location}.`)
      }
      const range = options.range ?? { from: 0, end: stats.size }
      return limited(readFrom(handle, range, doing, options.signal), this.#bandwidth)
    } catch (error) {
      if (isAbsent(error)) {
        throw new StoreError('absent', `There is no object "${name}" in ${this.location}.`, { cause: error })
      }
      throw toFileStoreError(error, doing)
    }
  }

  async head(name: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    options.signal?.throwIfAborted()
    try {
      const place = await directoryOf(this.#root, name)
      const stats = await lstat(place.path)
      return stats.isFile() ? { name, sizeBytes: stats.size, modifiedAt: stats.mtime } : undefined
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw toFileStoreError(error, `look up "${name}" in ${this.location}`)
    }
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<StoredObject> {
    yield* walk(this.#root, prefix, `list ${this.location}`, options.signal)
  }

  async removeIfSame(object: StoredObject, options: CallOptions = {}): Promise<boolean> {
    const found = await this.head(object.name, options)
    if (found !== undefined && !isSameObject(found, object)) return false
    await this.remove(object.name, options)
    return true
  }

  async remove(name: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    try {
      const place = await directoryOf(this.#root, name)
      if (!(await lstat(place.path)).isFile()) return
      await unlink(place.path)
      await syncDirectory(place.directory)
    } catch (error) {
      if (!isAbsent(error)) throw toFileStoreError(error, `remove "${name}" from ${this.location}`)
    }
    await pruneDirectories(this.#root, name)
  }
}

/** Whether the object is missing; a missing root directory was turned into a `StoreError` before. */
function isAbsent(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}

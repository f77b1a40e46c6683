import { open as openFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { syncDirectory } from '@osb-backup/node'
import type { ObjectStore } from '../object-store.ts'
import type { LoadContentOptions } from './content-options.ts'
import { loadContent, openContent } from './load-content.ts'

/** Options for downloading a file. Without transforms it is downloaded unchanged. */
export type LoadFileOptions = Partial<LoadContentOptions> & {
  /** Whom the file is given to. The path must be one that they cannot exchange. Default: this process. */
  owner?: { uid: number; gid: number }
}

/**
 * Downloads an object to a file. The file appears under its path only when it is complete, verified and synced; until
 * then the bytes are in `<path>.partial`, which is removed on failure.
 *
 * @param path - Replaced if it exists. Its directory must exist.
 */
export async function loadFile(
  store: ObjectStore,
  name: string,
  path: string,
  options: LoadFileOptions = {},
): Promise<void> {
  const partial = `${path}.partial`
  try {
    const content = await open(store, name, { ...asItIs, ...options })
    // A link of this name would lead elsewhere.
    await rm(partial, { force: true })
    const handle = await openFile(partial, 'wx', 0o600)
    try {
      if (options.owner !== undefined) await handle.chown(options.owner.uid, options.owner.gid)
      await pipeline(content, async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) await handle.writeFile(chunk)
      })
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(partial, { force: true })
    options.signal?.throwIfAborted()
    throw error
  }
}

/**
 * A file without transforms may be verified at its end, since no reader sees it before: it is then read once also without a list
 * of chunks.
 */
function open(store: ObjectStore, name: string, options: LoadContentOptions): Promise<Readable> {
  const { compression, encrypted, expected } = options
  const isAsItIs = compression === 'none' && !encrypted && expected?.root === undefined
  return isAsItIs ? openContent(store, name, options) : loadContent(store, name, options)
}

const asItIs = { compression: 'none', encrypted: false, identities: [] } as const

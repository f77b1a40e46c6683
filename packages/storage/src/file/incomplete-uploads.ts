import { lstat, readdir, readlink, realpath, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '@osb-backup/node'
import type { CallOptions } from '../object-store.ts'
import type { IncompleteUpload, StartedUpload } from '../store-kind.ts'
import { isTemporary } from './file-directories.ts'
import { toFileStoreError } from './file-error.ts'
import type { FileSettings } from './file-settings.ts'

/** How long a file must stay unchanged to count as one that is not written any more. */
const UNCHANGED_MS = 2000

/**
 * Removes the temporary files that an upload left in the directory of its object. Their names do not say whose they
 * are: files that are older than the upload, that grow, or that a process of this machine has open belong to others.
 */
export async function removeTemporaryFiles(
  settings: FileSettings,
  upload: IncompleteUpload,
  { signal }: CallOptions,
): Promise<void> {
  const directory = dirname(join(settings.directory, upload.name))
  // A link in the path is not followed, as in the store itself.
  if ((await realpath(directory).catch(() => undefined)) !== directory) return
  const isOwn = (name: string) => upload.id === undefined || name === upload.id
  const names = (await readdir(directory)).filter((name) => isTemporary(name) && isOwn(name))
  const before = await marksOf(names.map((name) => join(directory, name)))
  const candidates = [...before].filter(([, { modifiedAt }]) => modifiedAt >= upload.since)
  if (candidates.length === 0) return
  await sleep(UNCHANGED_MS, undefined, { signal })
  const after = await marksOf(candidates.map(([path]) => path))
  const open = await openFiles()
  for (const [path, { mark }] of candidates) {
    if (after.get(path)?.mark === mark && !open.has(path)) await rm(path, { force: true })
  }
}

async function marksOf(paths: readonly string[]): Promise<Map<string, { mark: string; modifiedAt: Date }>> {
  const marks = new Map<string, { mark: string; modifiedAt: Date }>()
  for (const path of paths) {
    const found = await lstat(path).catch(() => undefined)
    if (!found?.isFile()) continue
    marks.set(path, { mark: `${found.ino}/${found.size}/${found.mtimeMs}`, modifiedAt: found.mtime })
  }
  return marks
}

/** The files that processes of this machine have open, as far as this user may see them. */
async function openFiles(): Promise<Set<string>> {
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const open = new Set<string>()
  for (const pid of processes) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const descriptor of descriptors) {
      const path = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => undefined)
      if (path !== undefined) open.add(path)
    }
  }
  return open
}

/** Lists the temporary files below a directory. */
export async function* listTemporaryFiles(settings: FileSettings, prefix: string): AsyncGenerator<StartedUpload> {
  const directory = join(settings.directory, prefix)
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw toFileStoreError(error, `list incomplete uploads to ${settings.directory}`)
  })
  for (const entry of entries.filter(({ name }) => isTemporary(name))) {
    const path = join(entry.parentPath, entry.name)
    const found = await lstat(path).catch(() => undefined)
    if (found?.isFile()) yield { name: relative(settings.directory, path), startedAt: found.birthtime }
  }
}

import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RunContext } from './run-context.ts'

const MEBIBYTE = 1024 * 1024

/** The file system of a directory: what the agent's user can still write, and its size without what is reserved for root. */
export async function diskOf(directory: string): Promise<{ freeBytes: number; sizeBytes: number }> {
  const { bavail, blocks, bfree, bsize } = await statfs(directory)
  return { freeBytes: bavail * bsize, sizeBytes: (blocks - bfree + bavail) * bsize }
}

/**
 * Checks that there is enough disk space for the file of a staged job, before anything is locked: what the setting
 * requires, plus for a restore the file itself, if its size is known.
 *
 * @throws {Error} With a message for the job.
 */
export async function requireDiskSpace({ directory, settings, job }: RunContext): Promise<void> {
  const wanted = settings.minFreeDiskBytes + (job.request.source?.sizeBytes ?? 0)
  // Its own directory need not exist yet.
  const { freeBytes: free } = await diskOf(dirname(directory.path))
  if (free >= wanted) return
  const shown = (bytes: number) => `${Math.floor(bytes / MEBIBYTE)} MiB`
  throw new Error(
    `not enough disk space: ${shown(free)} are free for ${directory.path}, ${shown(wanted)} are needed ` +
      '(min_free_disk_mib, and for a restore the file)',
  )
}

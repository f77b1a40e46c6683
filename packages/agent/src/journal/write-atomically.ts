import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** How files are called that are still being written; what a crash leaves of them is removed at the next start. */
export const isTemporaryFile = (name: string): boolean => name.startsWith('.tmp-')

/**
 * Writes a file so that a crash at any moment, of the agent or of the machine, leaves either the old content or the
 * new. Only the agent's user can read it.
 */
export async function writeAtomically(directory: string, name: string, content: string): Promise<void> {
  const temporary = join(directory, `.tmp-${randomBytes(8).toString('hex')}`)
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, join(directory, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(directory)
}

/** Makes names that came, changed or went in a directory survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

import { link, open, rename, rm } from 'node:fs/promises'

/** Writes a file that only its owner can read, whole or not at all, and on the disk when this resolves. */
export async function writeOwnFile(path: string, content: string): Promise<void> {
  await rename(await writeBeside(path, content), path)
}

/**
 * Writes such a file unless there is one.
 *
 * @returns Whether it was written. False: somebody else was faster, and what they wrote stands.
 */
export async function createOwnFile(path: string, content: string): Promise<boolean> {
  const temporary = await writeBeside(path, content)
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    await rm(temporary, { force: true })
  }
}

async function writeBeside(path: string, content: string): Promise<string> {
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  return temporary
}

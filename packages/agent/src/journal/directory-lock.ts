import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileAtomically, errorCode } from '@osb-backup/node'
import { z } from 'zod'
import { identify, isSameProcess, type ProcessIdentity } from '../scripts/process-identity.ts'
import { isDiskFull, reserveSpace, withReserve } from './space-reserve.ts'

const ownerSchema = z.object({
  pid: z.number().int(),
  startTicks: z.string().exactOptional(),
  bootId: z.string().exactOptional(),
})
const ATTEMPTS = 20
/** Enough for the lock, and for the records of a few jobs. */
const RESERVE_BYTES = 128 * 1024
const reserveOf = (directory: string): string => join(directory, 'agent.reserve')

/** Occupies disk space that the next start of an agent uses if the disk is full then. */
export function reserveForNextStart(directory: string): Promise<void> {
  return reserveSpace(reserveOf(directory), RESERVE_BYTES)
}

/**
 * Locks a directory for this process. Two agents on one journal would each treat the other's running jobs as orphans.
 * The lock of a dead owner is taken over.
 *
 * @returns A function that releases the lock, or the process id of the agent that holds it.
 */
export async function lockDirectory(directory: string): Promise<{ release(): Promise<void> } | { heldBy: number }> {
  const path = join(directory, 'agent.lock')
  const content = JSON.stringify(identify(process.pid))
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const isCreated = await withReserve(reserveOf(directory), () => createFileAtomically(path, content))
      if (isCreated) return { release: () => releaseLock(path, content.length) }
    } catch (error) {
      // The lock of a dead owner makes way for the new one, even on a full disk.
      if (!isDiskFull(error) || attempt > 1) throw error
    }
    const owner = await readOwner(path)
    if (owner !== undefined && isSameProcess(owner)) return { heldBy: owner.pid }
    await rm(path, { force: true })
  }
  throw new Error(`${path} could not be created: other processes keep creating it`)
}

/** Keeps the file without an owner: the next start needs its space if the disk is full by then. */
async function releaseLock(path: string, length: number): Promise<void> {
  await writeFile(path, ' '.repeat(length), { flag: 'r+' }).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
  })
}

/** Undefined if the lock does not exist or is not readable: after a power failure the file may be empty. */
async function readOwner(path: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    const owner = ownerSchema.safeParse(JSON.parse(text))
    return owner.success ? owner.data : undefined
  } catch {
    return undefined
  }
}

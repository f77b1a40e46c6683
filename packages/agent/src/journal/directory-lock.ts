import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileAtomically } from '@osb-backup/node'
import { z } from 'zod'
import { identify, isSameProcess, type ProcessIdentity } from '../scripts/process-identity.ts'

const ownerSchema = z.object({
  pid: z.number().int(),
  startTicks: z.string().exactOptional(),
  bootId: z.string().exactOptional(),
})
const ATTEMPTS = 20

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
    if (await createFileAtomically(path, content)) return { release: () => rm(path, { force: true }) }
    const owner = await readOwner(path)
    if (owner !== undefined && isSameProcess(owner)) return { heldBy: owner.pid }
    await rm(path, { force: true })
  }
  throw new Error(`${path} could not be created: other processes keep creating it`)
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

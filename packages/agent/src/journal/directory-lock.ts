import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileAtomically } from '@osb-backup/node'
import { z } from 'zod'
import { identify, isSameProcess, type ProcessIdentity } from '../scripts/process-identity.ts'

const ownerSchema = z.object({
  pid: z.number().int(),
  startTicks: z.string().optional(),
  bootId: z.string().optional(),
})
const ATTEMPTS = 20

/**
 * Takes a directory for this process alone. Two agents over one journal would each take the other's running jobs for
 * orphans. A lock whose owner is dead is taken over.
 *
 * @returns What gives it back, or the process id of the agent that has it.
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

/** Undefined if the lock is gone, or not readable: a machine that lost its power may leave an empty file. */
async function readOwner(path: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    const owner = ownerSchema.safeParse(JSON.parse(text))
    return owner.success ? owner.data : undefined
  } catch {
    return undefined
  }
}

import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
  const mine = join(directory, `.tmp-lock-${process.pid}-${Math.random().toString(36).slice(2)}`)
  await writeFile(mine, JSON.stringify(identify(process.pid)), { mode: 0o600, flag: 'wx' })
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        // A link is made only where there is none, and has its content at once.
        await link(mine, path)
        return { release: () => rm(path, { force: true }) }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === ATTEMPTS) throw error
        const owner = await readOwner(path)
        if (owner !== undefined && isSameProcess(owner)) return { heldBy: owner.pid }
        await rm(path, { force: true })
      }
    }
  } finally {
    await rm(mine, { force: true })
  }
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

import { setTimeout as sleep } from 'node:timers/promises'

/** Sends a signal to every process of a group. @returns Whether there was any. */
function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-groupId, signal)
  } catch (error) {
    // EPERM: there are processes, but of another user now (sudo); they are out of reach.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false
    throw error
  }
}

/**
 * Ends a process group: asks it to stop, and kills what is left after the grace.
 *
 * @param groupId - Process id of a leader that was started with a group of its own.
 */
export async function endGroup(groupId: number, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs
  if (!signalGroup(groupId, 'SIGTERM')) return
  while (performance.now() < deadline) {
    await sleep(Math.min(50, graceMs))
    if (!signalGroup(groupId, 0)) return
  }
  signalGroup(groupId, 'SIGKILL')
}

import { readdir, readFile } from 'node:fs/promises'
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
 * Whether a group has processes that still run. Dead ones that nobody has waited for count for signals: in a container
 * whose first process does not reap, they stay for good. Without /proc all count.
 */
async function hasLiving(groupId: number): Promise<boolean> {
  const names = await readdir('/proc').catch(() => undefined)
  if (names === undefined) return true
  const stats = names
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''))
  return (await Promise.all(stats)).some((stat) => {
    // The name stands in brackets and may hold anything; after it come state, parent and group.
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(group) === groupId && state !== 'Z' && state !== 'X'
  })
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
    if (!signalGroup(groupId, 0) || !(await hasLiving(groupId))) return
  }
  signalGroup(groupId, 'SIGKILL')
}

import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { bootIdNow, type ProcessIdentity, parseStat, readProcess } from './process-identity.ts'

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
 * The processes of a group that still run. Dead ones that nobody has waited for count for signals: in a container
 * whose first process does not reap, they stay for good. Undefined without /proc.
 */
async function livingOf(groupId: number): Promise<number[] | undefined> {
  const names = await readdir('/proc').catch(() => undefined)
  if (names === undefined) return undefined
  const found = names
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      const stat = parseStat(await readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''))
      return stat?.groupId === groupId && stat.state !== 'Z' && stat.state !== 'X' ? [Number(name)] : []
    })
  return (await Promise.all(found)).flat()
}

/** Whether a group has processes that still run. Without /proc all count. */
async function hasLiving(groupId: number): Promise<boolean> {
  const living = await livingOf(groupId)
  return living === undefined || living.length > 0
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

/**
 * Ends the group of a script that an earlier agent started, if it is still that one: its leader has the recorded
 * start, or the leader is gone and what is left in the group has the job's mark in its environment.
 *
 * @param mark - A variable of the script's environment, `NAME=value`.
 * @returns Whether there was one to end.
 */
export async function endOrphans(leader: ProcessIdentity, mark: string, graceMs: number): Promise<boolean> {
  if (leader.startTicks === undefined || leader.bootId !== bootIdNow()) return false
  const found = readProcess(leader.pid)
  if (found !== undefined && found.startTicks !== leader.startTicks) return false
  if (found === undefined) {
    const living = (await livingOf(leader.pid)) ?? []
    const environments = living.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''))
    const isOurs = (await Promise.all(environments)).some((text) => text.split('\0').includes(mark))
    if (!isOurs) return false
  }
  if (!(await hasLiving(leader.pid))) return false
  await endGroup(leader.pid, graceMs)
  return true
}

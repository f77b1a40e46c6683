import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { bootIdNow, type ProcessIdentity, parseStat, readProcess } from './process-identity.ts'

/** Sends a signal to every process of a group. @returns Whether there was one. */
function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-groupId, signal)
  } catch (error) {
    // EPERM: the processes exist, but belong to another user now (sudo).
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false
    throw error
  }
}

/**
 * The running processes of a group, without zombies, which still accept signals: in a container whose first process
 * does not reap children they remain. Undefined without /proc.
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

/** Whether a group has running processes. Without /proc zombies count too. */
async function hasLiving(groupId: number): Promise<boolean> {
  const living = await livingOf(groupId)
  return living === undefined || living.length > 0
}

/**
 * Terminates a process group: SIGTERM first, SIGKILL after the grace period.
 *
 * @param groupId - Process id of the group leader.
 */
export async function terminateGroup(groupId: number, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs
  if (!signalGroup(groupId, 'SIGTERM')) return
  while (performance.now() < deadline) {
    await sleep(Math.min(50, graceMs))
    if (!signalGroup(groupId, 0) || !(await hasLiving(groupId))) return
  }
  signalGroup(groupId, 'SIGKILL')
}

/**
 * Terminates the group of a script that an earlier agent started, if it is still the same: its leader has the recorded
 * start time, or the leader has exited and the rest of the group has the job's mark in its environment.
 *
 * @param mark - A variable of the script's environment, `NAME=value`.
 * @returns Whether there was one.
 */
export async function terminateOrphans(leader: ProcessIdentity, mark: string, graceMs: number): Promise<boolean> {
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
  await terminateGroup(leader.pid, graceMs)
  return true
}

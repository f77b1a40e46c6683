import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killCgroup, removeCgroup, removeEmptyCgroup } from './cgroup.ts'
import { findProcesses, type ProcessScope } from './process-scan.ts'

/** How long processes that cannot be killed are waited for: those that fork all the time, or hang in the kernel. */
const KILL_LIMIT_MS = 10_000
const PAUSE_MS = 50

/**
 * Ends all processes of a scope: SIGTERM first, SIGKILL after the grace period.
 *
 * @returns The processes that are left; empty unless they belong to another user, or hang in the kernel.
 */
export async function endProcesses(scope: ProcessScope, graceMs: number): Promise<number[]> {
  const graceEndsAt = performance.now() + graceMs
  const first = living(scope)
  // Processes of a scope are started by others of it only. Where some are hidden, their group exists all the same.
  if (first?.length === 0 && !hasGroup(scope)) {
    removeCgroups(scope)
    return []
  }
  signalAll(scope, first, 'SIGTERM')
  while (performance.now() < graceEndsAt && hasLiving(scope)) await sleep(Math.min(PAUSE_MS, graceMs))
  const killEndsAt = performance.now() + KILL_LIMIT_MS
  while (hasLiving(scope) && performance.now() < killEndsAt) {
    if (scope.cgroup !== undefined) killCgroup(scope.cgroup)
    // Stopped first: a process that forks all the time would be ahead of its killer.
    signalAll(scope, living(scope), 'SIGSTOP')
    signalAll(scope, living(scope), 'SIGKILL')
    await sleep(Math.min(PAUSE_MS, 10))
  }
  removeCgroups(scope)
  return living(scope) ?? []
}

function removeCgroups({ cgroup }: ProcessScope): void {
  if (cgroup === undefined) return
  removeCgroup(cgroup)
  // That of the job, or of the agent, goes with the last one in it.
  removeEmptyCgroup(dirname(cgroup))
}

/** Undefined if the processes cannot be seen at the moment. */
function living(scope: ProcessScope): number[] | undefined {
  try {
    return findProcesses(scope)
  } catch {
    return undefined
  }
}

/** Where processes cannot be seen, a group exists as long as it accepts signals. */
function hasLiving(scope: ProcessScope): boolean {
  const found = living(scope)
  return found === undefined ? hasGroup(scope) : found.length > 0
}

const hasGroup = ({ groupId }: ProcessScope) => groupId !== undefined && signal(-groupId, 0)

/** The group is signalled as such too: that needs no list of processes. */
function signalAll({ groupId }: ProcessScope, pids: readonly number[] | undefined, name: NodeJS.Signals): void {
  if (groupId !== undefined) signal(-groupId, name)
  for (const pid of pids ?? []) signal(pid, name)
}

/** @returns Whether there is such a process that accepts signals of the agent. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    // EPERM: the process exists, but belongs to another user now (sudo).
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ESRCH' || code === 'EPERM') return false
    throw error
  }
}

import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '@osb-backup/node'

/**
 * Finds where cgroups for scripts are created, while there are jobs: below a directory, by default the agent's own cgroup v2.
 *
 * @param stateDirectory - Distinguishes the agents of one machine.
 * @returns Undefined if cgroups are not available or not permitted here; then processes are found by other means.
 */
export function openCgroups(stateDirectory: string, directory = ownCgroup()): string | undefined {
  if (directory === undefined) return undefined
  const path = join(directory, `osb-backup-agent-${shortHash(stateDirectory)}`)
  try {
    mkdirSync(path, { recursive: true })
    accessSync(join(path, 'cgroup.procs'), constants.W_OK)
    return path
  } catch {
    return undefined
  } finally {
    removeEmptyCgroup(path)
  }
}

/** The cgroup of a stage of a job. */
export function stageCgroup(root: string, job: { kind: string; id: string }, stage: string): string {
  return join(root, `${job.kind}-${shortHash(job.id)}`, stage)
}

/** The cgroup that contains those of all stages of a job. */
export const jobCgroup = (root: string, job: { kind: string; id: string }): string => join(stageCgroup(root, job, '.'))

/** Moves a process into a cgroup, which is created. The kernel takes some ten milliseconds for it. Whether that worked. */
export async function moveInto(path: string, pid: number): Promise<boolean> {
  try {
    mkdirSync(path, { recursive: true })
    await writeFile(join(path, 'cgroup.procs'), String(pid))
    return true
  } catch {
    return false
  }
}

/** The processes of a cgroup and of those below it. */
export function processesOf(path: string): number[] {
  try {
    const own = readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
    return [...own, ...childrenOf(path).flatMap(processesOf)]
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENODEV') return []
    throw error
  }
}

/** Kills all processes of a cgroup at once, however fast they fork (Linux 5.14). */
export function killCgroup(path: string): void {
  try {
    writeFileSync(join(path, 'cgroup.kill'), '1')
  } catch {
    // Its processes are killed one by one.
  }
}

/** Removes a cgroup without processes, and those below it. One that has any stays, or that cannot be read for want of descriptors. */
export function removeCgroup(path: string): void {
  try {
    for (const child of childrenOf(path)) removeCgroup(child)
  } catch {
    // It is removed after the next job.
  }
  removeEmptyCgroup(path)
}

/** Removes a cgroup with neither processes nor others below it. */
export function removeEmptyCgroup(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // It does not exist, is in use, or a process has not quite ended: it is removed after the next job.
  }
}

function childrenOf(path: string): string[] {
  const entries = existsSync(path) ? readdirSync(path, { withFileTypes: true }) : []
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))
}

/** The agent's own cgroup, where version 2 is mounted. */
function ownCgroup(): string | undefined {
  try {
    const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
    const mount = /^\S+ \S+ \S+ (\/\S*) (\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))
    const [, root = '', mountPoint] = mount ?? []
    if (own === undefined || mountPoint === undefined) return undefined
    return join(mountPoint, root !== '/' && own.startsWith(root) ? own.slice(root.length) : own)
  } catch {
    return undefined
  }
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24)

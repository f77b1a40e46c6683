import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '@osb-backup/node'
import { processesOf } from './cgroup.ts'
import { parseStat } from './process-identity.ts'

/** Which processes belong to a script, or to a job. */
export interface ProcessScope {
  /** The process group that a script leads. */
  groupId?: number
  /** Variables that their environment contains, with the values that it may have. */
  environment: Readonly<Record<string, readonly string[]>>
  /** The cgroup that a script was started in, if cgroups are permitted. */
  cgroup?: string
  /** Start of the script, in clock ticks since boot; processes that are older do not belong to it. */
  sinceTicks?: string
}

interface FoundProcess {
  pid: number
  parentId: number
  isMember: boolean
}

/**
 * Finds the running processes of a scope, without zombies: those of its cgroup, its process group and with its
 * environment, and their descendants. Synchronous, so that nothing changes meanwhile but what the processes do.
 *
 * @returns Undefined without /proc.
 * @throws If /proc cannot be read, for want of file descriptors.
 */
export function findProcesses(scope: ProcessScope): number[] | undefined {
  const names = readProc('/proc', (path) => readdirSync(path))
  if (names === undefined) return undefined
  const inCgroup = new Set(scope.cgroup === undefined ? [] : processesOf(scope.cgroup))
  const found = names.filter((name) => /^\d+$/.test(name)).flatMap((name) => inspect(Number(name), scope, inCgroup))
  return withDescendants(found).filter((pid) => pid !== process.pid)
}

function inspect(pid: number, scope: ProcessScope, inCgroup: ReadonlySet<number>): FoundProcess[] {
  const stat = parseStat(readProc(`/proc/${pid}/stat`, (path) => readFileSync(path, 'utf8')) ?? '')
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return []
  const isOlder = Number(stat.startTicks) < Number(scope.sinceTicks ?? 0)
  const isMember =
    inCgroup.has(pid) || (!isOlder && (stat.groupId === scope.groupId || hasEnvironment(pid, scope.environment)))
  return [{ pid, parentId: stat.parentId, isMember }]
}

function hasEnvironment(pid: number, wanted: ProcessScope['environment']): boolean {
  const wantedEntries = Object.entries(wanted)
  if (wantedEntries.length === 0) return false
  const text = readProc(`/proc/${pid}/environ`, (path) => readFileSync(path, 'latin1'))
  if (!text) return false
  const entries = new Set(text.split('\0'))
  // The bytes of the environment are compared, whatever they mean.
  const bytes = (value: string) => Buffer.from(value).toString('latin1')
  return wantedEntries.every(([name, values]) => values.some((value) => entries.has(bytes(`${name}=${value}`))))
}

/** Adds the children of members, which may have another environment. */
function withDescendants(found: readonly FoundProcess[]): number[] {
  const members = new Set(found.filter(({ isMember }) => isMember).map(({ pid }) => pid))
  for (let before = -1; before !== members.size; ) {
    before = members.size
    for (const { pid, parentId } of found) if (members.has(parentId)) members.add(pid)
  }
  return [...members]
}

/** What a process has as a file descriptor: `pipe:[123]`, or a path. Undefined if that cannot be seen. */
export function openFile(pid: number, descriptor: number): string | undefined {
  return readProc(`/proc/${pid}/fd/${descriptor}`, (path) => readlinkSync(path))
}

/** Whether one of these processes has a file open, or one below a directory. What cannot be seen is not open. */
export function haveOpen(pids: readonly number[], files: ReadonlySet<string>, directory?: string): boolean {
  const prefix = directory === undefined ? undefined : `${resolveLinks(directory)}/`
  return pids.some((pid) => {
    const descriptors = readProc(`/proc/${pid}/fd`, (path) => readdirSync(path)) ?? []
    return descriptors.some((descriptor) => {
      const file = openFile(pid, Number(descriptor))
      return file !== undefined && (files.has(file) || (prefix !== undefined && file.startsWith(prefix)))
    })
  })
}

/** A path as the kernel has it, without symbolic links; its end need not exist. */
function resolveLinks(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return dirname(path) === path ? path : join(resolveLinks(dirname(path)), basename(path))
  }
}

/** Processes end while they are read, and some belong to others. */
function readProc<T>(path: string, read: (path: string) => T): T | undefined {
  try {
    return read(path)
  } catch (error) {
    const gone = ['ENOENT', 'ESRCH', 'ENOTDIR', 'EACCES', 'EPERM', 'EINVAL']
    if (gone.includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

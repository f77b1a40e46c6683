import { readFileSync } from 'node:fs'

/** A process, told apart from every other that had or will have its number. */
export interface ProcessIdentity {
  pid: number
  /** Clock ticks from the machine's start to the process's. Absent where there is no /proc. */
  startTicks?: string
  /** Id of the machine's start that the ticks count from. */
  bootId?: string
}

/** What /proc says of a process. */
export interface ProcessState {
  state: string
  groupId: number
  startTicks: string
}

/** Reads the line of `/proc/<pid>/stat`; undefined if there is none. */
export function parseStat(line: string): ProcessState | undefined {
  // The name stands in brackets and may hold anything; after it come state, parent, group and, as the 22nd, the start.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state, , groupId] = fields
  const startTicks = fields[19]
  if (state === undefined || groupId === undefined || startTicks === undefined) return undefined
  return { state, groupId: Number(groupId), startTicks }
}

/** What /proc says of a process; undefined if it is gone, or there is no /proc. */
export function readProcess(pid: number): ProcessState | undefined {
  const line = readOrUndefined(`/proc/${pid}/stat`)
  return line === undefined ? undefined : parseStat(line)
}

/** Identifies a process that runs now. */
export function identify(pid: number): ProcessIdentity {
  const startTicks = readProcess(pid)?.startTicks
  const bootId = bootIdNow()
  return { pid, ...(startTicks === undefined ? {} : { startTicks }), ...(bootId === undefined ? {} : { bootId }) }
}

/** The id of this start of the machine. */
export const bootIdNow = (): string | undefined => readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim()

/** Whether the process is there, and not one that got its number later. Without /proc nobody can tell: then not. */
export function isSameProcess({ pid, startTicks, bootId }: ProcessIdentity): boolean {
  const found = readProcess(pid)
  const isRunning = found !== undefined && found.state !== 'Z' && found.state !== 'X'
  return isRunning && found.startTicks === startTicks && bootId === bootIdNow()
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // ESRCH comes for a process that ends while it is read.
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR') return undefined
    throw error
  }
}

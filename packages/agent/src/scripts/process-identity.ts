import { readFileSync } from 'node:fs'

/** Identifies a process, even if its number is reused. */
export interface ProcessIdentity {
  pid: number
  /** Clock ticks from the boot of the machine to the start of the process. Absent without /proc. */
  startTicks?: string
  /** Id of the boot that the ticks count from. */
  bootId?: string
}

/** The state of a process in /proc. */
export interface ProcessState {
  state: string
  parentId: number
  groupId: number
  startTicks: string
}

/** Reads the line of `/proc/<pid>/stat`; undefined if there is none. */
export function parseStat(line: string): ProcessState | undefined {
  // The name is in parentheses and may contain anything; it is followed by state, parent, group and, as the 22nd field,
  // the start time.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state, parentId, groupId] = fields
  const startTicks = fields[19]
  if (state === undefined || groupId === undefined || startTicks === undefined) return undefined
  return { state, parentId: Number(parentId), groupId: Number(groupId), startTicks }
}

/** The state of a process in /proc; undefined if it has exited, or there is no /proc. */
export function readProcess(pid: number): ProcessState | undefined {
  const line = readOrUndefined(`/proc/${pid}/stat`)
  return line === undefined ? undefined : parseStat(line)
}

/** Identifies a running process. */
export function identify(pid: number): ProcessIdentity {
  const startTicks = readProcess(pid)?.startTicks
  const bootId = bootIdNow()
  return { pid, ...(startTicks === undefined ? {} : { startTicks }), ...(bootId === undefined ? {} : { bootId }) }
}

/** The id of the current boot. */
const bootIdNow = (): string | undefined => readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim()

/**
 * Whether the process still runs, and its number was not reused. Without /proc this is unknown, and the answer is no.
 */
export function isSameProcess({ pid, startTicks, bootId }: ProcessIdentity): boolean {
  const found = readProcess(pid)
  const isRunning = found !== undefined && found.state !== 'Z' && found.state !== 'X'
  return isRunning && found.startTicks === startTicks && bootId === bootIdNow()
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // ESRCH: the process exited while it was read.
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR') return undefined
    throw error
  }
}

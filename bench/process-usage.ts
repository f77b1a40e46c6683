import { readFile } from 'node:fs/promises'

/** The memory of a process (`VmRSS`), or its peak (`VmHWM`), in bytes; 0 if it has exited. */
export async function memoryBytes(pid: number, what: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024
}

/** What a process and its descendants have in memory; those that end meanwhile count nothing. */
export async function memoryOfAllBytes(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const others = await Promise.all(children.split(' ').filter(Boolean).map(Number).map(memoryOfAllBytes))
  return others.reduce((sum, bytes) => sum + bytes, await memoryBytes(pid, 'VmRSS'))
}

/** Linux counts them so on every machine that Node runs on. */
const ticksPerSecond = 100

/** The CPU seconds that a process, and those of its descendants that ended, have taken. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // After the name, which may hold blanks: state is field 3; utime, stime, cutime and cstime are 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(14 - 3, 18 - 3).reduce((sum, field) => sum + Number(field), 0)
  return ticks / ticksPerSecond
}

const sampleMs = 40

/** The peak of a value that is sampled while work is done. */
export async function mostDuring<Result>(
  look: () => Promise<number>,
  work: () => Promise<Result>,
): Promise<{ most: number; result: Result }> {
  let most = 0
  const sampling = setInterval(async () => {
    most = Math.max(most, await look())
  }, sampleMs)
  try {
    const result = await work()
    return { most, result }
  } finally {
    clearInterval(sampling)
  }
}

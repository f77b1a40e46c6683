import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'

/** What a command took. */
export interface Taken {
  seconds: number
  /** Of the command and all that it started. */
  cpuSeconds: number
  /** The most that it and all that it started had resident at once. */
  peakBytes: number
}

const sampleMs = 40

/**
 * Runs a command in bash.
 *
 * @param environment - All that it sees.
 * @throws {Error} If it fails, with what it said.
 */
export async function measure(command: string, environment: Record<string, string>): Promise<Taken> {
  const timed = `set -o pipefail; TIMEFORMAT='taken %R %U %S'; time { ${command}; }`
  const child = spawn('bash', ['-c', timed], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  let peakBytes = 0
  const sampling = setInterval(async () => {
    peakBytes = Math.max(peakBytes, await residentBytes(child.pid ?? 0))
  }, sampleMs)
  const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number]>])
  clearInterval(sampling)
  const [, real, user, system] = /^taken (\S+) (\S+) (\S+)$/m.exec(said) ?? []
  if (status !== 0 || real === undefined) throw new Error(`${command}\nfailed with status ${status}: ${said}`)
  return { seconds: Number(real), cpuSeconds: Number(user) + Number(system), peakBytes }
}

/** The memory of a process and its descendants; those that end meanwhile count nothing. */
async function residentBytes(pid: number): Promise<number> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  const [status, children] = await Promise.all([read('status'), read(`task/${pid}/children`)])
  const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  const others = await Promise.all(children.split(' ').filter(Boolean).map(Number).map(residentBytes))
  return others.reduce((sum, bytes) => sum + bytes, own)
}

/** The middle one of several. */
export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
}

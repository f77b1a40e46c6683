import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { memoryOfAllBytes, mostDuring } from '../process-usage.ts'

/** The resources that a command used. */
export interface Taken {
  seconds: number
  /** Of the command and all that it started. */
  cpuSeconds: number
  /** The most that it and all that it started had resident at once. */
  peakBytes: number
}

/**
 * Runs a command in bash.
 *
 * @param environment - All that it sees.
 * @throws {Error} If it fails, with what it said.
 */
export async function measure(command: string, environment: Record<string, string>): Promise<Taken> {
  const timed = `set -o pipefail; TIMEFORMAT='taken %R %U %S'; time { ${command}; }`
  const child = spawn('bash', ['-c', timed], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  const { most: peakBytes, result } = await mostDuring(
    () => memoryOfAllBytes(child.pid ?? 0),
    () => Promise.all([text(child.stderr), once(child, 'close') as Promise<[number]>]),
  )
  const [said, [status]] = result
  const [, real, user, system] = /^taken (\S+) (\S+) (\S+)$/m.exec(said) ?? []
  if (status !== 0 || real === undefined) throw new Error(`${command}\nfailed with status ${status}: ${said}`)
  return { seconds: Number(real), cpuSeconds: Number(user) + Number(system), peakBytes }
}

/** The middle one of several. */
export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
}

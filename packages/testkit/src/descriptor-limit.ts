import { readdir } from 'node:fs/promises'
import { runProgram } from './run-program.ts'

const USUAL_LIMIT = 1024

/**
 * Leaves a running process no more than a few free file descriptors. Returns what gives them back.
 *
 * @param spare - How many it may open beyond those that are open.
 */
export async function limitDescriptors(pid: number, spare: number): Promise<() => Promise<void>> {
  const open = await readdir(`/proc/${pid}/fd`)
  // The limit is one of numbers, which start at 0 and may have gaps.
  const lowest = Math.max(...open.map(Number)) + 1 + spare
  await runProgram('prlimit', '--pid', String(pid), `--nofile=${lowest}:`)
  return async () => {
    // A process that has ended meanwhile has nothing to restore.
    await runProgram('prlimit', '--pid', String(pid), `--nofile=${USUAL_LIMIT}:`).catch(() => undefined)
  }
}

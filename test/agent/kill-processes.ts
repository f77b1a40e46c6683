import { readdir, readlink } from 'node:fs/promises'

/** The processes whose current directory is below a directory: those of scripts there. */
export async function processesBelow(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => ({ pid, cwd: await readlink(`/proc/${pid}/cwd`).catch(() => '') })),
  )
  return found.flatMap(({ pid, cwd }) => (cwd.startsWith(`${directory}/`) && pid !== process.pid ? [pid] : []))
}

/** Kills scripts that a killed agent left running, and that no later agent terminated. */
export async function killProcessesBelow(directory: string): Promise<void> {
  for (const pid of await processesBelow(directory)) kill(pid)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It has just ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

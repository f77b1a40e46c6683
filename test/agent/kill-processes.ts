import { readdir, readlink } from 'node:fs/promises'

/**
 * Kills the processes whose current directory is below a directory: scripts that a killed agent left running, and that no
 * later agent terminated.
 */
export async function killProcessesBelow(directory: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    if (cwd.startsWith(`${directory}/`) && pid !== process.pid) kill(pid)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It has just ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

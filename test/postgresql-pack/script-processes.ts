import { readdir, readFile } from 'node:fs/promises'

/** Kills every process of a job's stage at once, as a crash of the machine or the kernel's out-of-memory killer would. */
export async function killStage(jobId: string, stage: string): Promise<boolean> {
  const groups = new Set<number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')
    const variables = environment.split('\0')
    if (!variables.includes(`BACKUP_JOB_ID=${jobId}`) || !variables.includes(`BACKUP_STAGE=${stage}`)) continue
    const group = processGroup(await readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''))
    if (group !== undefined) groups.add(group)
  }
  for (const group of groups) signal(group)
  return groups.size > 0
}

/** The fields after the program's name, which may hold spaces and parentheses, are: state, parent, group. */
function processGroup(stat: string): number | undefined {
  const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
  return Number.isInteger(group) && group > 1 ? group : undefined
}

function signal(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

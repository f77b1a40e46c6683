import { backupStages, restoreStages } from '@osb-backup/protocol'
import type { JobKey } from '../jobs/job-record.ts'
import { jobCgroup } from './cgroup.ts'
import type { ProcessScope } from './process-scan.ts'

/**
 * What is in the environment of each process of some stages of a job, unless it changed that.
 *
 * @param directory - The job's, which distinguishes the agents of one machine.
 */
export function processMarks({ id }: JobKey, directory: string, stages: readonly string[]) {
  return { BACKUP_JOB_ID: [id], BACKUP_DIRECTORY: [directory], BACKUP_STAGE: stages }
}

/**
 * All processes of a job, whichever stage started them.
 *
 * @param cgroups - Where cgroups for scripts are created, if that is permitted.
 */
export function jobProcesses(key: JobKey, directory: string, cgroups: string | undefined): ProcessScope {
  const environment = processMarks(key, directory, key.kind === 'backup' ? backupStages : restoreStages)
  return { environment, ...(cgroups === undefined ? {} : { cgroup: jobCgroup(cgroups, key) }) }
}

import { errorMessage } from '@osb-backup/node'
import type { JobDependencies } from '../jobs/job-dependencies.ts'
import { interrupt, type JobRecord } from '../jobs/job-record.ts'
import { pendingSteps } from '../jobs/pending-steps.ts'
import type { RegisteredJob } from '../jobs/registered-job.ts'
import type { JournalContent } from '../journal/journal.ts'
import { endProcesses } from '../scripts/end-processes.ts'
import { jobProcesses } from '../scripts/job-processes.ts'
import { isSameProcess } from '../scripts/process-identity.ts'
import { readPackInForm } from '../scripts/script-pack.ts'
import { jobDirectoryPath } from '../stages/job-directory.ts'

/**
 * Starts the recovery from a crash. When this resolves, every id answers as before, and the jobs that were running are
 * recorded as failed; their runs then terminate orphaned scripts, run the always-run steps and remove incomplete files
 * and uploads.
 *
 * @returns The jobs that are being recovered.
 */
export async function startRecovery(
  { jobs, unreadable }: JournalContent,
  deps: JobDependencies,
): Promise<RegisteredJob[]> {
  const { registry, log } = deps
  for (const { file, problem } of unreadable) {
    log.error({ file, err: problem }, 'JOB NOT RECOVERED: a running job may have left a database locked')
  }
  const interrupted: RegisteredJob[] = []
  for (const record of jobs) {
    const job = registry.restore(record)
    await reserveName(record, deps)
    if (record.status !== 'RUNNING') {
      if (pendingSteps(record).length > 0) interrupt(record)
      continue
    }
    interrupt(record)
    interrupted.push(job)
  }
  // Written first: after a second crash no step may appear to be running that is not.
  for (const { record } of interrupted) {
    await registry.save(record).catch((error: unknown) => {
      log.error({ err: errorMessage(error), jobId: record.request.id }, 'job state not saved')
    })
  }
  for (const job of interrupted) job.run = recoverJob(job, deps)
  return interrupted
}

/**
 * Reserves the name of an upload that may have left something, so that its removal does not affect the object of a new
 * job.
 */
async function reserveName(
  { request, status, upload, stored, incompleteUpload }: JobRecord,
  { stores, claims }: JobDependencies,
): Promise<void> {
  const isDoubtful = incompleteUpload !== undefined || (status === 'RUNNING' && stored === undefined)
  if (upload === undefined || !isDoubtful) return
  claims.reserve(stores.open(request), upload.name)
}

async function recoverJob(job: RegisteredJob, deps: JobDependencies): Promise<void> {
  try {
    await endOrphans(job.record, deps)
    const { finishJob } = await import('../jobs/run-job.ts')
    await finishJob(job, await readPackInForm(job.record.form, deps.settings, job.record.request.pack), deps)
  } catch (error) {
    deps.log.fatal(
      { err: errorMessage(error), jobId: job.record.request.id },
      'the recovery of a job failed unexpectedly: this is a bug',
    )
  }
}

/** Retries the cleanup and the unlock of a job that has ended. Never rejects. */
export async function resumePending(job: RegisteredJob, deps: JobDependencies): Promise<void> {
  try {
    await endOrphans(job.record, deps)
    const { resumeRetries } = await import('../jobs/run-job.ts')
    await resumeRetries(job, await readPackInForm(job.record.form, deps.settings, job.record.request.pack), deps)
  } catch (error) {
    deps.log.fatal(
      { err: errorMessage(error), jobId: job.record.request.id },
      'the unlock of a job failed unexpectedly: this is a bug',
    )
  }
}

/** Ends the processes that the scripts of a job had when the agent stopped, and which still run. */
async function endOrphans(job: JobRecord, { settings, cgroups, log }: JobDependencies): Promise<void> {
  const { request, process: leader } = job
  const scope = jobProcesses(request, jobDirectoryPath(settings, request), cgroups)
  // Its number may belong to another process by now.
  const isLeader = leader !== undefined && isSameProcess(leader)
  const left = await endProcesses({ ...scope, ...(isLeader ? { groupId: leader.pid } : {}) }, settings.killGraceMs)
  if (left.length > 0) log.error({ jobId: request.id, processes: left }, 'orphaned processes could not be ended')
  delete job.process
}

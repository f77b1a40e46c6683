import { errorMessage } from '@osb-backup/node'
import { interrupt, type JobRecord } from '../jobs/job-record.ts'
import type { RegisteredJob } from '../jobs/job-registry.ts'
import type { JobDependencies } from '../jobs/run-job.ts'
import type { Journal } from '../journal/journal.ts'
import { terminateOrphans } from '../scripts/process-group.ts'
import { readPack, type ScriptPack } from '../scripts/script-pack.ts'

/**
 * Starts the recovery from a crash. When this resolves, every id answers as before, and the jobs that were running are
 * recorded as failed; their runs then terminate orphaned scripts, run the always-run steps and remove incomplete files
 * and uploads.
 *
 * @returns The jobs that are being recovered.
 */
export async function startRecovery(journal: Journal, deps: JobDependencies): Promise<RegisteredJob[]> {
  const { registry, log } = deps
  const { jobs, unreadable } = await journal.readAll()
  for (const { file, problem } of unreadable) {
    log.error({ file, err: problem }, 'JOB NOT RECOVERED: a running job may have left a database locked')
  }
  const interrupted: RegisteredJob[] = []
  for (const record of jobs) {
    const job = registry.restore(record)
    await reserveName(record, deps)
    if (record.status !== 'RUNNING') continue
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
    await terminateScript(job.record, deps)
    const { finishJob } = await import('../jobs/run-job.ts')
    await finishJob(job, await packFor(job.record, deps), deps)
  } catch (error) {
    deps.log.fatal(
      { err: errorMessage(error), jobId: job.record.request.id },
      'the recovery of a job failed unexpectedly: this is a bug',
    )
  }
}

/** Terminates the script that was running when the agent stopped, if it still runs. */
async function terminateScript(record: JobRecord, { settings, log }: JobDependencies): Promise<void> {
  if (record.process === undefined) return
  const { id } = record.request
  const found = await terminateOrphans(record.process, `BACKUP_JOB_ID=${id}`, settings.killGraceMs).catch(
    (error: unknown) => {
      log.error({ err: errorMessage(error), jobId: id }, 'an orphaned script could not be terminated')
      return false
    },
  )
  if (found) log.warn({ jobId: id, processGroup: record.process.pid }, 'an orphaned script was terminated')
  delete record.process
}

/** The current scripts, in the form that the job started with. */
async function packFor({ form }: JobRecord, { settings }: JobDependencies): Promise<ScriptPack> {
  const directory = settings.scriptsPath
  const found = await readPack(directory)
  if (found.ok && found.value.form === form) return found.value
  return form === 1 ? { form, directory } : { form, directory, name: 'unknown', type: '', stages: [] }
}

import { errorMessage } from '@osb-backup/node'
import { interrupt, type JobRecord } from '../jobs/job-record.ts'
import type { RegisteredJob } from '../jobs/job-registry.ts'
import type { JobDependencies } from '../jobs/run-job.ts'
import type { Journal } from '../journal/journal.ts'
import { endOrphans } from '../scripts/process-group.ts'
import { readPack, type ScriptPack } from '../scripts/script-pack.ts'

/**
 * Takes up what an earlier agent left. When this resolves every id answers as before, and jobs that were running are
 * known to have failed, which is on disk; their runs then end the orphaned scripts, run what is owed and remove what
 * lies half-done.
 *
 * @returns The jobs that are being finished.
 */
export async function beginRecovery(journal: Journal, deps: JobDependencies): Promise<RegisteredJob[]> {
  const { registry, log } = deps
  const { jobs, unreadable } = await journal.readAll()
  for (const { file, problem } of unreadable) {
    log.error({ file, problem }, 'JOB NOT RECOVERED: a job that ran may have left a database locked')
  }
  const interrupted: RegisteredJob[] = []
  for (const record of jobs) {
    const job = registry.restore(record)
    await holdName(record, deps)
    if (record.status !== 'RUNNING') continue
    interrupt(record)
    interrupted.push(job)
  }
  // Written before anything is done: a second crash must not find a step that ran where none does.
  for (const { record } of interrupted) {
    await registry.save(record).catch((error: unknown) => {
      log.error({ problem: errorMessage(error), job: record.request.id }, 'state not saved')
    })
  }
  for (const job of interrupted) job.run = recoverJob(job, deps)
  return interrupted
}

/** Keeps new jobs from the name of an upload that may have left something: its removal must not meet their object. */
async function holdName(
  { request, status, upload, stored, incompleteUpload }: JobRecord,
  { stores, claims }: JobDependencies,
): Promise<void> {
  const isDoubtful = incompleteUpload !== undefined || (status === 'RUNNING' && stored === undefined)
  if (upload === undefined || !isDoubtful) return
  claims.hold(stores.open(request), upload.name)
}

async function recoverJob(job: RegisteredJob, deps: JobDependencies): Promise<void> {
  try {
    await endScript(job.record, deps)
    const { finishJob } = await import('../jobs/run-job.ts')
    await finishJob(job, await packFor(job.record, deps), deps)
  } catch (error) {
    deps.log.fatal({ problem: errorMessage(error), job: job.record.request.id }, 'a recovery broke: this is a bug')
  }
}

/** Ends the script that ran when the agent ended, if it still does. */
async function endScript(record: JobRecord, { settings, log }: JobDependencies): Promise<void> {
  if (record.process === undefined) return
  const { id } = record.request
  const found = await endOrphans(record.process, `BACKUP_JOB_ID=${id}`, settings.killGraceMs).catch(
    (error: unknown) => {
      log.error({ problem: errorMessage(error), job: id }, 'an orphaned script could not be ended')
      return false
    },
  )
  if (found) log.warn({ job: id, processGroup: record.process.pid }, 'an orphaned script was ended')
  delete record.process
}

/** The scripts as they are now, called in the form that the job began with. */
async function packFor({ form }: JobRecord, { settings }: JobDependencies): Promise<ScriptPack> {
  const directory = settings.scriptsPath
  const found = await readPack(directory)
  if (found.ok && found.value.form === form) return found.value
  return form === 1 ? { form, directory } : { form, directory, name: 'unknown', type: '', stages: [] }
}

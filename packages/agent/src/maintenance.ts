import { errorMessage, type PeriodicTask, type RunningTasks, startPeriodicTasks } from '@osb-backup/node'
import type { JobDependencies } from './jobs/job-dependencies.ts'
import { reserveForNextStart } from './journal/directory-lock.ts'
import { jobDirectoryPath, removeJobDirectory } from './stages/job-directory.ts'

const INTERVAL_MS = 60_000
/** A store that was unavailable may be back soon, and what is left in it costs money. */
const ORPHANS_INTERVAL_MS = 15_000
const CHECKS_INTERVAL_MS = 5000

/**
 * Starts the periodic tasks of the agent: they retry what failed at the end of a job, and delete expired jobs.
 *
 * @param repeatChecks - Repeats checks of the start that failed.
 */
export function startMaintenance(deps: JobDependencies, repeatChecks: () => Promise<void>): RunningTasks {
  const tasks: PeriodicTask[] = [
    { name: 'save job states', intervalMs: INTERVAL_MS, run: () => saveUnsaved(deps) },
    { name: 'reserve disk space', intervalMs: INTERVAL_MS, run: () => reserveSpace(deps) },
    {
      name: 'repeat checks of the start',
      intervalMs: CHECKS_INTERVAL_MS,
      async run() {
        await repeatChecks()
        return false
      },
    },
    // One after the other: removing orphans saves the job again, which must not restore one that has just expired.
    {
      name: 'remove orphans and expire jobs',
      intervalMs: ORPHANS_INTERVAL_MS,
      async run(signal) {
        await removeOrphans(deps, signal)
        await expireJobs(deps)
        return false
      },
    },
  ]
  return startPeriodicTasks(tasks, ({ name }, error) => {
    deps.log.error({ err: errorMessage(error), task: name }, 'a periodic task failed; it will be retried')
  })
}

/** On a disk that is full, it is tried again later. */
async function reserveSpace({ settings }: JobDependencies): Promise<boolean> {
  await reserveForNextStart(settings.stateDirectory)
  return false
}

async function saveUnsaved({ registry }: JobDependencies): Promise<boolean> {
  await registry.saveUnsaved()
  return false
}

/** Retries the removal of incomplete uploads. */
async function removeOrphans({ registry, stores, claims, log }: JobDependencies, stopping: AbortSignal): Promise<void> {
  const jobs = registry.withIncompleteUpload()
  if (jobs.length === 0) return
  // Loads the clients of the stores.
  const { removeIncompleteUpload } = await import('./recovery/incomplete-upload.ts')
  for (const job of jobs) {
    const { record } = job
    try {
      if ((await removeIncompleteUpload(record, stores, stopping)) !== undefined) continue
      const name = record.upload?.name
      await registry.clearIncompleteUpload(job)
      if (name !== undefined) claims.release(stores.open(record.request), name)
      log.info({ jobId: record.request.id }, 'the orphans of an interrupted upload were removed')
    } catch (error) {
      log.error({ err: errorMessage(error), jobId: record.request.id }, 'orphans were not removed; will be retried')
    }
  }
}

/** Deletes expired jobs with their directories. */
async function expireJobs({ registry, settings, log, now }: JobDependencies): Promise<void> {
  const expired = registry.expired(settings.retention, now())
  for (const job of expired) {
    if (!registry.has(job)) continue
    const path = jobDirectoryPath(settings, job.record.request)
    // Where both settings name one directory, a backup and a restore of one id share theirs.
    const isInUse = registry.running().some(({ record }) => jobDirectoryPath(settings, record.request) === path)
    // Removed while the id is still taken, so that no new job of that id is disturbed.
    if (!isInUse) await removeJobDirectory(path, settings.scriptAccount)
    await registry.delete(job)
  }
  if (expired.length > 0) log.info({ jobs: expired.length }, 'jobs expired')
}

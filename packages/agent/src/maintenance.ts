import { rm } from 'node:fs/promises'
import { errorMessage, type PeriodicTask, type RunningTasks, startPeriodicTasks } from '@osb-backup/node'
import type { RunTools } from './jobs/run-job.ts'
import { jobDirectoryPath } from './stages/job-directory.ts'

const INTERVAL_MS = 60_000

/** Starts the periodic tasks of the agent: each does what could not be done at the end of a job. */
export function startMaintenance(tools: RunTools): RunningTasks {
  const tasks: PeriodicTask[] = [
    { name: 'save job states', intervalMs: INTERVAL_MS, run: () => saveUnsaved(tools) },
    // One after the other: removing orphans saves a job anew, which must not bring back one that just expired.
    {
      name: 'remove orphans and expire jobs',
      intervalMs: INTERVAL_MS,
      async run(signal) {
        await removeOrphans(tools, signal)
        await expireJobs(tools)
        return false
      },
    },
  ]
  return startPeriodicTasks(tasks, ({ name }, error) => {
    tools.log.error({ problem: errorMessage(error), task: name }, 'a periodic task failed; it will be retried')
  })
}

async function saveUnsaved({ registry }: RunTools): Promise<boolean> {
  await registry.saveUnsaved()
  return false
}

/** Tries again to remove what interrupted uploads left in their stores. */
async function removeOrphans({ registry, stores, claims, log }: RunTools, stopping: AbortSignal): Promise<void> {
  const jobs = registry.withLeftovers()
  if (jobs.length === 0) return
  // Loads the clients of the stores.
  const { removeLeftovers } = await import('./recovery/leftovers.ts')
  for (const job of jobs) {
    const { record } = job
    try {
      if ((await removeLeftovers(record, stores, stopping)) !== undefined) continue
      const name = record.upload?.name
      await registry.clearLeftovers(job)
      if (name !== undefined) claims.release(stores.open(record.request), name)
      log.info({ job: record.request.id }, 'the orphans of an interrupted upload were removed')
    } catch (error) {
      log.error({ problem: errorMessage(error), job: record.request.id }, 'orphans were not removed; will be retried')
    }
  }
}

/** Deletes expired jobs with their directories. */
async function expireJobs({ registry, settings, log, now }: RunTools): Promise<void> {
  const expired = await registry.expire(settings.retention, now(), async (key) => {
    const path = jobDirectoryPath(settings, key)
    // Where both settings name one directory, a backup and a restore of one id share theirs.
    const isInUse = registry.running().some(({ record }) => jobDirectoryPath(settings, record.request) === path)
    if (!isInUse) await rm(path, { recursive: true, force: true })
  })
  if (expired > 0) log.info({ jobs: expired }, 'jobs expired')
}

import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from './checked.ts'
import type { RunTools } from './jobs/run-job.ts'
import { jobDirectoryPath } from './stages/job-directory.ts'

const EVERY_MS = 60_000

/**
 * Once a minute, and at once, does what can wait: saves what could not be saved, removes what could not be removed from
 * a store, and lets expired jobs go.
 *
 * @returns What ends it, and waits for the end.
 */
export function keepHouse(tools: RunTools): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const ended = (async () => {
    while (!stopping.signal.aborted) {
      for (const work of [saveUnsaved, retryLeftovers, expire]) {
        await work(tools, stopping.signal).catch((error: unknown) => {
          tools.log.error({ problem: messageOf(error) }, 'housekeeping failed; it is tried again')
        })
      }
      // Rejects only when it is to stop.
      await sleep(EVERY_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await ended
    },
  }
}

const saveUnsaved = ({ registry }: RunTools): Promise<void> => registry.saveUnsaved()

async function retryLeftovers({ registry, stores, claims, log }: RunTools, stopping: AbortSignal): Promise<void> {
  const jobs = registry.withLeftovers()
  if (jobs.length === 0) return
  // Loads what speaks to stores.
  const { removeLeftovers } = await import('./recovery/leftovers.ts')
  for (const job of jobs) {
    const { record } = job
    if ((await removeLeftovers(record, stores, stopping)) !== undefined) continue
    const name = record.upload?.name
    await registry.clearLeftovers(job)
    if (name !== undefined) claims.release(await stores.open(record.request), name)
    log.info({ job: record.request.id }, 'what a broken-off upload left is removed now')
  }
}

/** Lets expired jobs go, with their directories. */
async function expire({ registry, settings, log, now }: RunTools): Promise<void> {
  const expired = await registry.expire(settings.retention, now(), async (key) => {
    const path = jobDirectoryPath(settings, key)
    // Where both settings name one directory, a backup and a restore of one id share theirs.
    const isInUse = registry.running().some(({ record }) => jobDirectoryPath(settings, record.request) === path)
    if (!isInUse) await rm(path, { recursive: true, force: true })
  })
  if (expired > 0) log.info({ jobs: expired }, 'jobs expired')
}

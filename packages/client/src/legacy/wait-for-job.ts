import { isOver, type Job } from '@osb-backup/protocol'
import { sleep as wait } from '../sleep.ts'
import type { BackupClient } from './client.ts'
import type { Abortable } from './terms/options.ts'

/** How a job is watched. */
export interface WatchOptions extends Abortable {
  /** Time between two looks. */
  intervalMs?: number
  /** Called with the job at every look. */
  onLook?: (job: Job) => void
}

const DEFAULT_INTERVAL_MS = 250

/** Looks at a job until it is over. The caller bounds the time by the signal. */
export async function waitForJob(client: BackupClient, id: string, options: WatchOptions = {}): Promise<Job> {
  for (;;) {
    const job = await client.jobs.get(id, options)
    options.onLook?.(job)
    if (isOver(job.status)) return job
    await wait(options.intervalMs ?? DEFAULT_INTERVAL_MS, options.signal)
  }
}

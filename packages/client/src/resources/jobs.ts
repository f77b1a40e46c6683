import { isEnded, type Job, type JobLogs, type JobQuery, jobLogsSchema, jobSchema } from '@osb-backup/protocol/v1'
import type { CallOptions, Connection } from '../connection.ts'
import { sleep } from '../sleep.ts'
import { deleteCall, listCalls, pathOf, readCalls } from './resource.ts'

const path = '/v1/jobs'
const DEFAULT_INTERVAL_MS = 250

/** How a job is waited for. */
export interface WaitOptions extends CallOptions {
  /** Time between two calls. */
  intervalMs?: number
  /** Called with the job each time it was read. */
  onRead?: (job: Job) => void
}

/** Calls about jobs. */
export const jobCalls = (connection: Connection) => {
  const { get } = readCalls(connection, path, jobSchema)
  return {
    ...listCalls<Job, JobQuery>(connection, path, jobSchema),
    get,
    /** What the scripts of a job printed. */
    logs: (id: string, options: CallOptions = {}): Promise<JobLogs> =>
      connection.call({ method: 'GET', path: pathOf(path, id, 'logs'), answer: jobLogsSchema, ...options }),
    /** Cancels a job: what runs is stopped, then cleaned up and unlocked. */
    cancel: (id: string, options: CallOptions = {}): Promise<Job> =>
      connection.call({ method: 'POST', path: pathOf(path, id, 'cancel'), answer: jobSchema, ...options }),
    /** Abandons the parts whose outcome is unknown; nothing is stopped by that at their agent. */
    giveUp: (id: string, options: CallOptions = {}): Promise<Job> =>
      connection.call({ method: 'POST', path: pathOf(path, id, 'give-up'), answer: jobSchema, ...options }),
    /** Retries now to unlock the databases of a job. */
    retryUnlock: (id: string, options: CallOptions = {}): Promise<Job> =>
      connection.call({ method: 'POST', path: pathOf(path, id, 'retry-unlock'), answer: jobSchema, ...options }),
    /** Marks the databases of a job as unlocked, after an operator has unlocked them by hand. */
    markUnlocked: (id: string, options: CallOptions = {}): Promise<Job> =>
      connection.call({ method: 'POST', path: pathOf(path, id, 'mark-unlocked'), answer: jobSchema, ...options }),
    /** Deletes a job that has ended; its restore points stay. */
    delete: deleteCall(connection, path),
    /** Reads a job until it has ended. The caller bounds the time by the signal. */
    wait: async (id: string, { intervalMs = DEFAULT_INTERVAL_MS, onRead, signal }: WaitOptions = {}): Promise<Job> => {
      for (;;) {
        const job = await get(id, { signal })
        onRead?.(job)
        if (isEnded(job.state)) return job
        await sleep(intervalMs, signal)
      }
    },
  }
}

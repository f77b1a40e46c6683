import type { BackupClient } from '@osb-backup/client'
import type { Job } from '@osb-backup/protocol/v1'
import { Presets, SingleBar } from 'cli-progress'

const JOB_TIMEOUT_MS = 5 * 60_000
const MEGABYTE = 1024 * 1024

/**
 * Shows a job's progress until it is over.
 *
 * @param expectedBytes - About how much will be read; the bar grows if it is more.
 * @throws {Error} With what the agent said, if the job failed.
 */
export async function watchJob(
  client: BackupClient,
  id: string,
  expectedBytes: number,
  signal: AbortSignal,
): Promise<Job> {
  const bar = new SingleBar(
    {
      format: '   {bar} {value}/{total} MB  {stage}',
      noTTYOutput: true,
      notTTYSchedule: 1000,
      hideCursor: true,
      barsize: 32,
    },
    Presets.shades_classic,
  )
  bar.start(inMegabytes(expectedBytes), 0, { stage: 'waiting' })
  const job = await client.jobs
    .wait(id, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(JOB_TIMEOUT_MS)]),
      intervalMs: 100,
      onRead({ state, parts }) {
        const read = parts.reduce((sum, part) => sum + (part.bytesRead ?? 0), 0)
        const running = parts.find((part) => part.state === 'running')
        bar.setTotal(Math.max(inMegabytes(expectedBytes), inMegabytes(read)))
        bar.update(inMegabytes(read), { stage: running?.stage ?? state })
      },
    })
    .catch((error: unknown) => {
      bar.stop()
      throw error
    })
  if (job.state === 'succeeded') bar.update(bar.getTotal(), { stage: job.state })
  bar.stop()
  if (job.state === 'succeeded') return job
  throw new Error(job.parts.map((part) => part.error).join('\n'))
}

function inMegabytes(bytes: number): number {
  return Math.round(bytes / MEGABYTE)
}

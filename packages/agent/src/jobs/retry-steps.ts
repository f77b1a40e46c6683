import { setTimeout as sleep } from 'node:timers/promises'
import { readPackInForm } from '../scripts/script-pack.ts'
import type { RunContext } from '../stages/run-context.ts'
import type { JobDependencies } from './job-dependencies.ts'
import { beginRetry, pendingSteps } from './pending-steps.ts'
import type { RegisteredJob } from './registered-job.ts'
import { runStep } from './run-steps.ts'

const FIRST_DELAY_MS = 1000
const MAX_DELAY_MS = 60_000

/**
 * Repeats the always-run steps that failed, with backoff, until they have succeeded, the job was deleted by retention
 * or the agent stops. Never rejects.
 *
 * @param isAtOnce - Whether the first attempt is made at once: by an agent that was just started.
 */
export async function retryPendingSteps(
  run: RunContext,
  job: RegisteredJob,
  deps: JobDependencies,
  isAtOnce: boolean,
): Promise<void> {
  const { registry, settings, now } = deps
  const isOver = () => pendingSteps(job.record).length === 0 || registry.stopping.aborted || !registry.has(job)
  for (let delayMs = isAtOnce ? 0 : FIRST_DELAY_MS; !isOver(); delayMs = nextDelayMs(delayMs)) {
    job.nextRetryAt = new Date(now().getTime() + delayMs)
    job.retryNow = new AbortController()
    const signal = AbortSignal.any([job.retryNow.signal, registry.stopping])
    await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    delete job.nextRetryAt
    if (isOver()) return
    // It may have been repaired since.
    const pack = await readPackInForm(job.record.form, settings, job.record.request.pack)
    for (const step of pendingSteps(job.record)) {
      await runStep({ ...run, pack }, job, beginRetry(job.record, step), deps)
    }
  }
}

function nextDelayMs(delayMs: number): number {
  return delayMs === 0 ? FIRST_DELAY_MS : Math.min(delayMs * 2, MAX_DELAY_MS)
}

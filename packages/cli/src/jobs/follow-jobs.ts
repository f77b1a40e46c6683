import { ApiError, type BackupClient } from '@osb-backup/client'
import { isEnded, type Job, type JobEvent } from '@osb-backup/protocol/v1'
import { CliError, exitCodes } from '../exit-code.ts'
import type { Session } from '../session.ts'
import { summaryOf } from './describe-job.ts'
import { createProgress, type Progress } from './progress.ts'

/** The jobs are read again after this time without an event. */
const REREAD_MS = 10_000
/** After this time without an answer of the manager, waiting ends. */
const UNREACHABLE_MS = 10 * 60_000
const RETRY_MS = 2000

export interface FollowOptions {
  /** Longest time to wait, in seconds. */
  timeoutSeconds?: number | undefined
  /** Expected sizes in bytes, by job id and item, for the time left. */
  expectedBytes?: ReadonlyMap<string, number>
}

/**
 * Follows jobs until all have ended, and shows their progress.
 *
 * @returns The jobs as they ended, in the same order.
 * @throws {CliError} If the time has passed, the user interrupts, or the manager does not answer for ten minutes; the jobs
 * continue.
 */
export async function followJobs(
  session: Session,
  ids: readonly string[],
  options: FollowOptions = {},
): Promise<Job[]> {
  const client = await session.client()
  const { timeoutSeconds } = options
  const end = new AbortController()
  const timeout = timeoutSeconds === undefined ? undefined : AbortSignal.timeout(timeoutSeconds * 1000)
  const signal = AbortSignal.any([session.io.signal, end.signal, ...(timeout === undefined ? [] : [timeout])])
  const progress = createProgress(session, options.expectedBytes)
  try {
    return await new Follower(client, ids, progress, signal).run()
  } catch (error) {
    const commands = ids.map((id) => `osb-backup job watch ${id}`).join('; ')
    const continues = `${ids.length === 1 ? `The job ${ids[0]} continues` : 'The jobs continue'}. Follow with "${commands}".`
    if (session.io.signal.aborted) {
      throw new CliError(`Stopped waiting. ${continues}`, { exitCode: exitCodes.interrupted })
    }
    if (timeout?.aborted) {
      throw new CliError(`Not finished within ${timeoutSeconds} s. ${continues}`, { exitCode: exitCodes.timedOut })
    }
    throw error
  } finally {
    progress.end()
    end.abort()
  }
}

/** Prints how jobs ended; a program gets the jobs themselves. */
export function printEndedJobs({ printer }: Session, jobs: readonly Job[]): void {
  const [job, ...others] = jobs
  if (job === undefined) return
  const human = () => jobs.flatMap((each) => summaryOf(each, printer.style))
  if (others.length === 0) printer.value(job, { name: job.id, human })
  else if (printer.isStructured) printer.list(jobs, { columns: [], name: ({ id }) => id, empty: '' })
  else printer.lines(printer.format === 'name' ? jobs.map(({ id }) => id) : human())
}

class Follower {
  readonly #client: BackupClient
  readonly #jobs: Map<string, Job | undefined>
  readonly #progress: Progress
  readonly #signal: AbortSignal
  #answeredAt = performance.now()
  /** Ends the wait before the jobs are read again; undefined while they are read. */
  #wake: (() => void) | undefined

  constructor(client: BackupClient, ids: readonly string[], progress: Progress, signal: AbortSignal) {
    this.#client = client
    this.#jobs = new Map(ids.map((id) => [id, undefined]))
    this.#progress = progress
    this.#signal = signal
  }

  async run(): Promise<Job[]> {
    // Events make progress visible at once; that a job has ended is only ever taken from the job itself.
    const events = this.#followEvents()
    try {
      for (;;) {
        const wait = (await this.#readAll()) ? REREAD_MS : RETRY_MS
        const jobs = [...this.#jobs.values()].filter((job) => job !== undefined)
        if (jobs.length === this.#jobs.size && jobs.every(({ state }) => isEnded(state))) return jobs
        await this.#sleep(wait)
        this.#signal.throwIfAborted()
      }
    } finally {
      await Promise.race([events, Promise.resolve()])
    }
  }

  /** @returns Whether the manager answered. */
  async #readAll(): Promise<boolean> {
    for (const [id, known] of this.#jobs) {
      if (known !== undefined && isEnded(known.state)) continue
      try {
        const job = await this.#client.jobs.get(id, { signal: this.#signal })
        this.#answeredAt = performance.now()
        this.#jobs.set(id, job)
        this.#progress.read(job)
      } catch (error) {
        this.#signal.throwIfAborted()
        this.#toleratedFailure(error)
        return false
      }
    }
    return true
  }

  #toleratedFailure(error: unknown): void {
    const isTemporary =
      error instanceof ApiError && (error.status === undefined || error.status === 429 || error.status >= 500)
    if (!isTemporary) throw error
    if (performance.now() - this.#answeredAt > UNREACHABLE_MS) throw error
    this.#progress.note(`${error.message} Trying again.`)
  }

  async #followEvents(): Promise<void> {
    try {
      for await (const followed of this.#client.followEvents({}, { signal: this.#signal })) {
        if (followed.type === 'connected') this.#wake?.()
        else if (followed.type === 'job') this.#apply(followed.event)
      }
    } catch (error) {
      // Without events the jobs are still read regularly.
      if (!this.#signal.aborted)
        this.#progress.note(`No live progress: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #apply({ jobId, changed }: JobEvent): void {
    const job = this.#jobs.get(jobId)
    if (!this.#jobs.has(jobId)) return
    if (job === undefined || changed.state !== undefined) {
      this.#wake?.()
      return
    }
    const changedParts = new Map(changed.parts?.map((part) => [part.item, part]))
    const parts = job.parts.map((part) => ({ ...part, ...withoutUndefined(changedParts.get(part.item) ?? {}) }))
    const updated = { ...job, parts } as Job
    this.#jobs.set(jobId, updated)
    this.#progress.read(updated)
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#signal.addEventListener('abort', done)
      this.#wake = done
    })
  }
}

const withoutUndefined = (value: object) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))

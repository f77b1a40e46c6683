import type { Step } from '@osb-backup/core'
import type { Logger } from 'pino'
import type { JobMeters, MeasuredNow } from './job-meters.ts'
import type { JobRecord } from './job-record.ts'

/**
 * The metrics of an agent. They are loaded when the first job ends or when they are first read: many agents are never
 * scraped, and most run a job a day.
 */
export class JobMetrics {
  readonly #startedAt: Date
  readonly #log: Logger
  #loading: Promise<JobMeters> | undefined

  constructor(startedAt: Date, log: Logger) {
    this.#startedAt = startedAt
    this.#log = log
  }

  #meters(): Promise<JobMeters> {
    this.#loading ??= import('./job-meters.ts').then(({ JobMeters }) => new JobMeters(this.#startedAt))
    return this.#loading
  }

  /** Counts a finished job. */
  jobEnded(job: JobRecord, status: string, endedAt: Date): void {
    const ended = { ...job }
    this.#count((meters) => meters.jobEnded(ended, status, endedAt))
  }

  /** Counts a failed step. */
  stepFailed(step: Step): void {
    this.#count((meters) => meters.stepFailed(step))
  }

  #count(event: (meters: JobMeters) => void): void {
    this.#meters()
      .then(event)
      .catch((err: unknown) => this.#log.error({ err }, 'the metrics could not be loaded'))
  }

  /** The metrics in Prometheus' text format. */
  async text(now: MeasuredNow): Promise<{ contentType: string; text: string }> {
    return (await this.#meters()).text(now)
  }
}

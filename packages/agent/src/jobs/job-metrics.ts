import type { Step } from '@osb-backup/core'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { AGENT_VERSION } from '../version.ts'
import type { JobRecord } from './job-record.ts'

/** What is measured when it is asked for. */
export interface MeasuredNow {
  running: { backup: number; restore: number }
  limit: number
  /** Bytes free, by the setting that names the directory. */
  freeDiskBytes: Readonly<Record<string, number>>
}

const SECONDS = [1, 10, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600]

/** The figures of an agent, in Prometheus' format. They count from the agent's start. */
export class JobMetrics {
  readonly #registry = new Registry()
  readonly #ended: Counter<'kind' | 'status'>
  readonly #seconds: Histogram<'kind' | 'status'>
  readonly #failures: Counter<'step'>
  readonly #bytes: Counter<'kind'>
  readonly #running: Gauge<'kind'>
  readonly #limit: Gauge
  readonly #free: Gauge<'directory'>
  readonly #memory: Gauge

  constructor(startedAt: Date) {
    const registers = [this.#registry]
    this.#ended = new Counter({
      name: 'osb_agent_jobs_total',
      help: 'Jobs that ended.',
      labelNames: ['kind', 'status'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'osb_agent_job_duration_seconds',
      help: 'How long jobs took.',
      labelNames: ['kind', 'status'],
      buckets: SECONDS,
      registers,
    })
    this.#failures = new Counter({
      name: 'osb_agent_step_failures_total',
      help: 'Steps of jobs that failed. A failed unlock means that a database may still be locked.',
      labelNames: ['step'],
      registers,
    })
    this.#bytes = new Counter({
      name: 'osb_agent_stored_bytes_total',
      help: 'Bytes of succeeded backups in the store, and of succeeded restores from it.',
      labelNames: ['kind'],
      registers,
    })
    this.#running = new Gauge({ name: 'osb_agent_jobs_running', help: 'Jobs now.', labelNames: ['kind'], registers })
    this.#limit = new Gauge({ name: 'osb_agent_jobs_limit', help: 'Jobs that may run at a time.', registers })
    this.#free = new Gauge({
      name: 'osb_agent_free_disk_bytes',
      help: 'Disk space that is free.',
      labelNames: ['directory'],
      registers,
    })
    this.#memory = new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Memory of the agent, without its scripts.',
      registers,
    })
    new Gauge({
      name: 'process_start_time_seconds',
      help: 'When the agent started, since 1970.',
      registers,
    }).set(startedAt.getTime() / 1000)
    new Gauge({ name: 'osb_agent_info', help: 'The version.', labelNames: ['version'], registers }).set(
      { version: AGENT_VERSION },
      1,
    )
    for (const kind of ['backup', 'restore']) {
      this.#bytes.inc({ kind }, 0)
      for (const status of ['SUCCEEDED', 'FAILED']) this.#ended.inc({ kind, status }, 0)
    }
    for (const step of ['post-backup-unlock', 'post-restore-unlock']) this.#failures.inc({ step }, 0)
  }

  /** Counts a job that is over. */
  jobEnded({ request: { kind }, startedAt, stored, progress }: JobRecord, status: string, endedAt: Date): void {
    this.#ended.inc({ kind, status })
    this.#seconds.observe({ kind, status }, Math.max(0, endedAt.getTime() - startedAt.getTime()) / 1000)
    if (status === 'SUCCEEDED') this.#bytes.inc({ kind }, stored?.sizeBytes ?? progress.bytesRead)
  }

  /** Counts a step that failed. */
  stepFailed(step: Step): void {
    this.#failures.inc({ step })
  }

  /** All of it, as Prometheus reads it. */
  async text(now: MeasuredNow): Promise<{ contentType: string; text: string }> {
    for (const kind of ['backup', 'restore'] as const) this.#running.set({ kind }, now.running[kind])
    this.#limit.set(now.limit)
    for (const [directory, bytes] of Object.entries(now.freeDiskBytes)) this.#free.set({ directory }, bytes)
    this.#memory.set(process.memoryUsage.rss())
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }
}

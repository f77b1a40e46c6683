import type { Step } from '@osb-backup/core'
import { VERSION } from '@osb-backup/node'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { JobRecord } from './job-record.ts'

/** Values that are measured at the time of a scrape. */
export interface MeasuredNow {
  running: { backup: number; restore: number }
  limit: number
  /** Jobs whose database is locked because their unlock failed. */
  pendingUnlocks: number
  /** Free bytes by the setting that names the directory. */
  freeDiskBytes: Readonly<Record<string, number>>
}

const SECONDS = [1, 10, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600]

/** The metrics of an agent in Prometheus' format. Counters start at zero with the agent. */
export class JobMeters {
  readonly #registry = new Registry()
  readonly #ended: Counter<'kind' | 'status'>
  readonly #seconds: Histogram<'kind' | 'status'>
  readonly #failures: Counter<'step'>
  readonly #bytes: Counter<'kind'>
  readonly #running: Gauge<'kind'>
  readonly #limit: Gauge
  readonly #pendingUnlocks: Gauge
  readonly #free: Gauge<'directory'>
  readonly #memory: Gauge

  constructor(startedAt: Date) {
    const registers = [this.#registry]
    this.#ended = new Counter({
      name: 'osb_agent_jobs_total',
      help: 'Finished jobs.',
      labelNames: ['kind', 'status'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'osb_agent_job_duration_seconds',
      help: 'Duration of finished jobs.',
      labelNames: ['kind', 'status'],
      buckets: SECONDS,
      registers,
    })
    this.#failures = new Counter({
      name: 'osb_agent_step_failures_total',
      help: 'Failed steps of jobs. A failed unlock means that a database may still be locked.',
      labelNames: ['step'],
      registers,
    })
    this.#bytes = new Counter({
      name: 'osb_agent_stored_bytes_total',
      help: 'Bytes that succeeded backups stored and succeeded restores read.',
      labelNames: ['kind'],
      registers,
    })
    this.#running = new Gauge({
      name: 'osb_agent_jobs_running',
      help: 'Running jobs.',
      labelNames: ['kind'],
      registers,
    })
    this.#limit = new Gauge({ name: 'osb_agent_jobs_limit', help: 'Maximum number of running jobs.', registers })
    this.#pendingUnlocks = new Gauge({
      name: 'osb_agent_pending_unlocks',
      help: 'Databases that are locked because unlocking them failed; it is retried.',
      registers,
    })
    this.#free = new Gauge({
      name: 'osb_agent_free_disk_bytes',
      help: 'Free disk space.',
      labelNames: ['directory'],
      registers,
    })
    this.#memory = new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the agent without its scripts.',
      registers,
    })
    new Gauge({
      name: 'process_start_time_seconds',
      help: 'Start time of the agent in seconds since 1970.',
      registers,
    }).set(startedAt.getTime() / 1000)
    new Gauge({ name: 'osb_agent_info', help: 'Version of the agent.', labelNames: ['version'], registers }).set(
      { version: VERSION },
      1,
    )
    for (const kind of ['backup', 'restore']) {
      this.#bytes.inc({ kind }, 0)
      for (const status of ['SUCCEEDED', 'FAILED']) this.#ended.inc({ kind, status }, 0)
    }
    for (const step of ['post-backup-unlock', 'post-restore-unlock']) this.#failures.inc({ step }, 0)
  }

  /** Counts a finished job. */
  jobEnded({ request: { kind }, startedAt, stored, progress }: JobRecord, status: string, endedAt: Date): void {
    this.#ended.inc({ kind, status })
    this.#seconds.observe({ kind, status }, Math.max(0, endedAt.getTime() - startedAt.getTime()) / 1000)
    if (status === 'SUCCEEDED') this.#bytes.inc({ kind }, stored?.sizeBytes ?? progress.bytesRead)
  }

  /** Counts a failed step. */
  stepFailed(step: Step): void {
    this.#failures.inc({ step })
  }

  /** The metrics in Prometheus' text format. */
  async text(now: MeasuredNow): Promise<{ contentType: string; text: string }> {
    for (const kind of ['backup', 'restore'] as const) this.#running.set({ kind }, now.running[kind])
    this.#limit.set(now.limit)
    this.#pendingUnlocks.set(now.pendingUnlocks)
    for (const [directory, bytes] of Object.entries(now.freeDiskBytes)) this.#free.set({ directory }, bytes)
    this.#memory.set(process.memoryUsage.rss())
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }
}

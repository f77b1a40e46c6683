import { isDeepStrictEqual } from 'node:util'
import type { JobEvent, Job as WireJob } from '@osb-backup/protocol/v1'
import type { Context } from '../../context/context.ts'
import { findJobWithoutLogs } from '../../jobs/service.ts'
import { jobToWire } from './job-codec.ts'

/** How many jobs are cached to compute which fields changed. For a job that was evicted, all fields count as changed. */
const MAX_REMEMBERED = 5000

/** @param formatted - The event as it is sent; the same text for everybody. */
type Subscriber = (event: JobEvent, formatted: () => string) => Promise<void>

/**
 * Notifies any number of subscribers of changes of jobs. Each change is read once, however many listen, and never with what
 * scripts printed. Without subscribers nothing is read.
 */
export class JobFeed {
  readonly #context: Pick<Context, 'database' | 'sealer' | 'log'>
  readonly #format: (event: JobEvent) => string
  readonly #subscribers = new Set<Subscriber>()
  readonly #pending = new Set<string>()
  readonly #remembered = new Map<string, WireJob>()
  readonly #unsubscribe: () => void
  #isSending = false

  constructor(
    context: Pick<Context, 'database' | 'sealer' | 'log' | 'jobChanges'>,
    format: (event: JobEvent) => string,
  ) {
    this.#context = context
    this.#format = format
    this.#unsubscribe = context.jobChanges.subscribe({ changed: (jobId) => this.#changed(jobId) })
  }

  /** Calls back for each change. Returns what ends that. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }

  close(): void {
    this.#unsubscribe()
  }

  #changed(jobId: string): void {
    if (this.#subscribers.size === 0) {
      this.#remembered.clear()
      return
    }
    // Changes that come while a job waits to be read are sent with it.
    this.#pending.add(jobId)
    if (this.#isSending) return
    this.#isSending = true
    void this.#sendPending().finally(() => {
      this.#isSending = false
    })
  }

  /** Never rejects. */
  async #sendPending(): Promise<void> {
    for (const jobId of this.#pending) {
      this.#pending.delete(jobId)
      await this.#sendOne(jobId).catch((error: unknown) => this.#warn(jobId, error))
    }
  }

  async #sendOne(jobId: string): Promise<void> {
    const job = await findJobWithoutLogs(this.#context, jobId)
    if (job === undefined) return
    const event = this.#eventOf(jobToWire(job))
    if (event === undefined) return
    let text: string | undefined
    const formatted = () => {
      text ??= this.#format(event)
      return text
    }
    // One whose grants cannot be read misses the event; the others do not.
    const sending = [...this.#subscribers].map((subscriber) => subscriber(event, formatted))
    for (const sent of await Promise.allSettled(sending)) {
      if (sent.status === 'rejected') this.#warn(jobId, sent.reason)
    }
  }

  #warn(jobId: string, error: unknown): void {
    this.#context.log.warn({ err: error, jobId }, 'the event of a job was not sent')
  }

  #eventOf(job: WireJob): JobEvent | undefined {
    const changed = changesOf(job, this.#remembered.get(job.id))
    this.#remembered.delete(job.id)
    this.#remembered.set(job.id, job)
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest)
    if (Object.keys(changed).length === 0) return undefined
    const { id: jobId, instanceId, planId, kind } = job
    return { jobId, instanceId, planId, kind, changed }
  }
}

const partFields = ['state', 'stage', 'bytesRead', 'bytesExpected', 'bytesStored'] as const

/** Those fields of a job that differ from how it was before. */
function changesOf(job: WireJob, before: WireJob | undefined): JobEvent['changed'] {
  const partsBefore = new Map(before?.parts.map((part) => [part.item, part]))
  const parts = job.parts.flatMap((part) => {
    const changed = changedFields(part, partsBefore.get(part.item), partFields)
    return Object.keys(changed).length === 0 ? [] : [{ item: part.item, ...changed }]
  })
  return {
    ...changedFields(job, before, ['state', 'endedAt', 'cancellation'] as const),
    ...(parts.length === 0 ? {} : { parts }),
  }
}

function changedFields<T, K extends keyof T>(now: T, before: T | undefined, fields: readonly K[]): Partial<Pick<T, K>> {
  const changed = fields.filter((field) => now[field] !== undefined && !isDeepStrictEqual(now[field], before?.[field]))
  return Object.fromEntries(changed.map((field) => [field, now[field]])) as Partial<Pick<T, K>>
}

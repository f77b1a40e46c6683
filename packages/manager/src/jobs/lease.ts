import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context/context.ts'
import * as leases from './leases-repository.ts'

const HEARTBEAT_MS = 3000
/** Well before others claim the jobs. */
const LOST_AFTER_MS = (leases.LEASE_SECONDS - 5) * 1000
const WATCH_MS = 500

type LeaseContext = Pick<Context, 'database' | 'log'>

/**
 * The lease under which this manager has jobs locked: a row in `managers`, kept alive by heartbeats, by the database's clock.
 * A manager that cannot renew it stops running its jobs before others may claim them, and registers again under another id.
 */
export class Lease {
  readonly id = randomUUID()
  readonly #context: LeaseContext
  readonly #lost = new AbortController()
  #heartbeatAtMs = performance.now()

  constructor(context: LeaseContext) {
    this.#context = context
  }

  /** Aborted when other managers may have claimed the jobs. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Registers the manager. */
  async register(): Promise<void> {
    await leases.insertLease(this.#context, this.id)
    this.#heartbeatAtMs = performance.now()
  }

  /** Renews the lease until it is lost, or the signal aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const watch = setInterval(() => {
      // Whatever the reason, also a database that does not answer: others will claim the jobs soon.
      if (performance.now() - this.#heartbeatAtMs > LOST_AFTER_MS) this.#lose()
    }, WATCH_MS)
    try {
      const ended = AbortSignal.any([signal, this.lost])
      while (!ended.aborted) {
        await sleep(HEARTBEAT_MS, undefined, { signal: ended }).catch(() => undefined)
        if (ended.aborted) return
        await this.#renew()
      }
    } finally {
      clearInterval(watch)
    }
  }

  /** Deregisters the manager: its jobs can be claimed at once. */
  async release(): Promise<void> {
    this.#lost.abort(new Error('the manager is stopping'))
    await leases.deleteLease(this.#context, this.id)
  }

  async #renew(): Promise<void> {
    // Counts from before the row is written, while other managers count from after.
    const startedAtMs = performance.now()
    const isRenewed = await leases.recordHeartbeat(this.#context, this.id).catch((error: unknown) => {
      this.#context.log.warn({ err: error }, 'heartbeat failed; retrying')
      return undefined
    })
    if (isRenewed === true) this.#heartbeatAtMs = startedAtMs
    if (isRenewed === false) this.#lose()
  }

  #lose(): void {
    this.#lost.abort(new Error('the lease of this manager expired'))
  }
}

/** Deregisters whichever managers are registered: this one knows itself to be the only one. */
export function expireOtherLeases(context: LeaseContext): Promise<void> {
  return leases.deleteAllLeases(context)
}

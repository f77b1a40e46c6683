import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { removeObject, takeDueRemovals } from '../restore-points/removals.ts'
import { forgetOldRuns } from '../schedule/plan-runs.ts'
import { takeDueSweeps } from './due-sweeps.ts'
import { sweepPlan } from './sweep-plan.ts'

const TICK_MS = 1000
const BATCH = 20
const HOUSEKEEPING_MS = 3_600_000

/** Applies retention, and removes the objects that shall go. Every manager has one; they share the work. */
export class Sweeper {
  readonly #context: Context
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #housekeepingAt = 0

  constructor(context: Context) {
    this.#context = context
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const done = await this.#tick(signal).catch((error: unknown) => {
        if (!signal.aborted) this.#context.log.warn({ err: error }, 'retention cannot be applied; trying again')
        return 0
      })
      if (done < BATCH) await delay(TICK_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Does what is due, and answers how much there was of what there was most of. */
  async #tick(signal: AbortSignal): Promise<number> {
    const now = performance.now()
    if (now >= this.#housekeepingAt) {
      await forgetOldRuns(this.#context)
      this.#housekeepingAt = now + HOUSEKEEPING_MS
    }
    const planIds = await takeDueSweeps(this.#context, BATCH)
    for (const planId of planIds) {
      signal.throwIfAborted()
      await sweepPlan(this.#context, planId)
    }
    const points = await takeDueRemovals(this.#context, BATCH)
    // At the same time: a store that does not answer must not keep the others from being swept for long.
    await Promise.all(
      points.map((point) =>
        removeObject(this.#context, point, signal).catch((error: unknown) => {
          if (signal.aborted) return
          const { removal, id } = point
          this.#context.log.warn(
            { err: error, restorePointId: id, attempts: removal?.attempts },
            'an object was not removed',
          )
        }),
      ),
    )
    return Math.max(planIds.length, points.length)
  }
}

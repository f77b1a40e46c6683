import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { dispatchDuePlans } from './dispatch.ts'
import { mendNextRuns } from './mend-next-runs.ts'

const TICK_MS = 250
/** How many due plans one transaction takes; with more it goes on at once, and another manager may help. */
const BATCH = 100
const MEND_EVERY_MS = 3_600_000

/** Starts plans when they are due. Every manager has one; each due run is taken by one of them. */
export class Scheduler {
  readonly #context: Context
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(context: Context) {
    this.#context = context
  }

  start(): void {
    this.#running = Promise.all([this.#run(), this.#mend()]).then(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const dispatched = await this.#tick()
      if (dispatched < BATCH) await delay(TICK_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** At the start, and then now and then; beside the ticks, since it looks at all plans. */
  async #mend(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await mendNextRuns(this.#context, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#context.log.warn({ err: error }, 'next runs cannot be looked at; trying again')
      })
      await delay(MEND_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async #tick(): Promise<number> {
    const { log, wakeRunner } = this.#context
    try {
      const dispatched = await dispatchDuePlans(this.#context, BATCH)
      if (dispatched > 0) wakeRunner()
      return dispatched
    } catch (error) {
      log.warn({ err: error }, 'due plans cannot be started; trying again')
      return 0
    }
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from '../context/context.ts'

/** Work that every manager does again and again beside answering calls and driving jobs. Managers share it by what they take. */
export interface Chore {
  /** What is not done while it fails, for the log. */
  readonly what: string
  readonly everyMs: number
  /**
   * Does what there is to do.
   *
   * @returns Whether there is more: then it goes on at once.
   */
  act(context: Context, signal: AbortSignal): Promise<boolean>
}

/**
 * Starts chores, each for itself.
 *
 * @returns Stops them, and resolves when none is at work any more.
 */
export function startChores(context: Context, chores: readonly Chore[]): () => Promise<void> {
  const stopping = new AbortController()
  const running = chores.map((chore) => repeat(chore, context, stopping.signal))
  return async () => {
    stopping.abort(new Error('the manager is stopping'))
    await Promise.all(running)
  }
}

async function repeat(chore: Chore, context: Context, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const more = await chore.act(context, signal).catch((error: unknown) => {
      if (!signal.aborted) context.log.warn({ err: error }, `${chore.what}; trying again`)
      return false
    })
    if (!more) await delay(chore.everyMs, undefined, { signal }).catch(() => undefined)
  }
}

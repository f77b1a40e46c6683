/**
 * How long a request may take. Then it is answered with 503, whatever it waits for; what it began may continue. Longer than a
 * statement waits for a lock.
 */
export const REQUEST_DEADLINE_MS = 15_000

/** The deadline of requests that call a store or an agent, each of which may take its time. */
export const OUTSIDE_CALL_DEADLINE_MS = 120_000

/** Within the longest time that Node can wait. */
const MAX_DEADLINE_MS = 2 ** 31 - 1

/** The deadline of a request that answers when long work is done, whose own limit it is. */
export function longWorkDeadlineMs(limitSeconds: number): number {
  return Math.min(limitSeconds * 1000 + OUTSIDE_CALL_DEADLINE_MS, MAX_DEADLINE_MS)
}

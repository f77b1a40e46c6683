/**
 * Lets calls that come at the same time share one computation, so that at most one runs for a key at any moment. A call never
 * gets what began to be computed before it came: it waits for the next computation, with all others that do.
 */
export function shareCalls<R>(): (key: string, compute: () => Promise<R>) => Promise<R> {
  const running = new Map<string, Promise<R>>()
  const next = new Map<string, Promise<R>>()
  const begin = (key: string, compute: () => Promise<R>) => {
    const computed = compute()
    running.set(key, computed)
    const end = () => {
      if (running.get(key) === computed) running.delete(key)
    }
    computed.then(end, end)
    return computed
  }
  return (key, compute) => {
    const waiting = next.get(key)
    if (waiting !== undefined) return waiting
    const before = running.get(key)
    if (before === undefined) return begin(key, compute)
    const beginNext = () => {
      next.delete(key)
      return begin(key, compute)
    }
    const following = before.then(beginNext, beginNext)
    next.set(key, following)
    return following
  }
}

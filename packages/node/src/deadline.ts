/** A signal with a time limit. Dispose of it when what it limits has ended. */
export interface Deadline extends Disposable {
  /** Aborts with its parent, for the same reason, or with a `TimeoutError` when the time is over. */
  readonly signal: AbortSignal
  /** Whether the time was over before its parent aborted. */
  readonly isExceeded: boolean
}

/**
 * Starts the time limit of work that a signal ends, too. Node keeps `AbortSignal.timeout` until its time is over once it is part of an
 * `AbortSignal.any`, however long that takes: a long limit of short work needs this instead.
 *
 * @param timeoutMs - Up to 2^31 - 1.
 */
export function startDeadline(parent: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController()
  const { signal } = controller
  let isExceeded = false
  const follow = () => controller.abort(parent.reason)
  const timer = setTimeout(() => {
    if (signal.aborted) return
    isExceeded = true
    controller.abort(new DOMException('The time limit was exceeded', 'TimeoutError'))
  }, timeoutMs)
  timer.unref()
  if (parent.aborted) follow()
  parent.addEventListener('abort', follow, { once: true })
  return {
    signal,
    get isExceeded() {
      return isExceeded
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      parent.removeEventListener('abort', follow)
    },
  }
}

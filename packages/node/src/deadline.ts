/** A signal with a time limit. */
interface Deadline {
  /** Aborts with its parent, for the same reason, or with a `TimeoutError` when the time is over. */
  readonly signal: AbortSignal
  /** Whether the time was over before its parent aborted. */
  readonly isExceeded: boolean
}

/**
 * Does work that a signal or a time limit ends. Node keeps `AbortSignal.timeout` until its time is over once it is part of an
 * `AbortSignal.any`, however long that takes: a long limit of short work needs this instead, of which nothing is left after the work.
 *
 * @param timeoutMs - Up to 2^31 - 1.
 * @param work - Must settle soon after the signal of the deadline aborts.
 */
export async function withDeadline<Result>(
  parent: AbortSignal,
  timeoutMs: number,
  work: (deadline: Deadline) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController()
  const deadline = { signal: controller.signal, isExceeded: false }
  const follow = () => controller.abort(parent.reason)
  const timer = setTimeout(() => {
    if (controller.signal.aborted) return
    deadline.isExceeded = true
    controller.abort(new DOMException('The time limit was exceeded', 'TimeoutError'))
  }, timeoutMs)
  timer.unref()
  if (parent.aborted) follow()
  parent.addEventListener('abort', follow, { once: true })
  try {
    return await work(deadline)
  } finally {
    clearTimeout(timer)
    parent.removeEventListener('abort', follow)
  }
}

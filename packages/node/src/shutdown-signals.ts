/** A signal by which a supervisor, or Ctrl-C, asks a program to shut down. */
export type ShutdownSignal = 'SIGINT' | 'SIGTERM'

/** Where signals come from: `process`. */
export interface SignalSource {
  on(signal: ShutdownSignal, listener: () => void): unknown
}

/** What a program does when it is asked to shut down. Neither may throw. */
export interface ShutdownActions {
  /** On the first signal: finishes or hands over what is under way, and exits. */
  shutdown(signal: ShutdownSignal): void
  /** On a second one: says so in one sentence and exits immediately. */
  forceExit(): void
}

/**
 * Signals this close to the first one are the same request: below npm one Ctrl-C arrives twice, since the terminal signals
 * the whole process group and npm forwards its own signal.
 */
const SAME_REQUEST_MS = 2000

/**
 * Handles SIGINT and SIGTERM: the first shuts down, a later one forces the exit.
 *
 * @param nowMs - A monotonic clock.
 */
export function handleShutdownSignals(source: SignalSource, nowMs: () => number, actions: ShutdownActions): void {
  let firstAtMs: number | undefined
  let isForced = false
  const handle = (signal: ShutdownSignal) => {
    const atMs = nowMs()
    if (firstAtMs === undefined) {
      firstAtMs = atMs
      actions.shutdown(signal)
    } else if (!isForced && atMs - firstAtMs >= SAME_REQUEST_MS) {
      isForced = true
      actions.forceExit()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) source.on(signal, () => handle(signal))
}

/** What asks a program to end: whoever supervises it, or Ctrl-C. */
export type StopSignal = 'SIGINT' | 'SIGTERM'

/** Where signals come from: `process`. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown
}

/** What a program does when it is asked to end. */
export interface StopSteps {
  /** The first time: ends what it does, in peace. */
  stop(signal: StopSignal): void
  /** When somebody insists: ends the program with one sentence. */
  endNow(): void
}

/** Signals this close to the first one are the same wish. */
const SAME_WISH_MS = 2000

/**
 * Reads the signals that ask a program to end. One Ctrl-C arrives twice below npm: the terminal signals the whole group,
 * and npm hands its own signal on. So only one that comes later than that is somebody who insists.
 *
 * @param nowMs - A clock that is never set back.
 */
export function heedStopSignals(source: SignalSource, nowMs: () => number, steps: StopSteps): void {
  let firstAtMs: number | undefined
  let isOver = false
  const heed = (signal: StopSignal) => {
    const atMs = nowMs()
    if (firstAtMs === undefined) {
      firstAtMs = atMs
      steps.stop(signal)
    } else if (!isOver && atMs - firstAtMs >= SAME_WISH_MS) {
      isOver = true
      steps.endNow()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) source.on(signal, () => heed(signal))
}

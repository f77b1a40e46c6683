import { setTimeout as sleep } from 'node:timers/promises'

/** Work that a daemon repeats in the background. */
export interface PeriodicTask {
  /** In logs: `expire jobs`. */
  readonly name: string
  /** Time between the end of one run and the start of the next. */
  readonly intervalMs: number
  /**
   * Does what is due. An error is reported, and the task runs again after its interval.
   *
   * @param signal - Aborted when the daemon shuts down; a run should then end soon.
   * @returns Whether more is due: then the task runs again at once. False if it did all there was.
   */
  run(signal: AbortSignal): Promise<boolean>
}

/** Periodic tasks that were started. */
export interface RunningTasks {
  /** Starts no more runs, aborts the signal of those under way, and resolves when the last one has ended. */
  stop(): Promise<void>
}

/**
 * Runs each task at once and then periodically. A slow task delays no other, and never runs twice at a time.
 *
 * @param onError - Called with what a run threw, but not with what it threw because it was stopped.
 */
export function startPeriodicTasks(
  tasks: readonly PeriodicTask[],
  onError: (task: PeriodicTask, error: unknown) => void,
): RunningTasks {
  const stopping = new AbortController()
  const ended = tasks.map((task) => repeat(task, stopping.signal, onError))
  return {
    async stop() {
      stopping.abort(new Error('the process is shutting down'))
      await Promise.all(ended)
    },
  }
}

async function repeat(
  task: PeriodicTask,
  signal: AbortSignal,
  onError: (task: PeriodicTask, error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    let isMoreDue = false
    try {
      isMoreDue = await task.run(signal)
    } catch (error) {
      if (!signal.aborted) onError(task, error)
    }
    // Rejects only when the tasks are stopped.
    if (!isMoreDue) await sleep(task.intervalMs, undefined, { signal }).catch(() => undefined)
  }
}

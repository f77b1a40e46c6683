/** Runs tasks concurrently, up to a limit. The first failure is reported to the next caller. */
export class BoundedTasks {
  readonly #running = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  /**
   * Starts a task after waiting until fewer than `limit` run.
   *
   * @throws The error of an earlier task; the new one is not started then.
   */
  async start(task: () => Promise<void>, limit: number): Promise<void> {
    while (this.#running.size >= limit) await Promise.race(this.#running)
    this.#throwFailure()
    const running = task()
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /**
   * Waits until no task runs.
   *
   * @throws The error of a task.
   */
  async settled(): Promise<void> {
    await this.over()
    this.#throwFailure()
  }

  /** Waits until no task runs, and ignores their errors. */
  async over(): Promise<void> {
    await Promise.all(this.#running)
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }
}

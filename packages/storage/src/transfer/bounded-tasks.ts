/** Runs tasks beside each other, no more than a limit at a time. The first failure is kept for whoever asks next. */
export class BoundedTasks {
  readonly #running = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  /**
   * Starts a task after waiting until fewer than `limit` run.
   *
   * @throws What an earlier task failed with; the new one is not started then.
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
   * @throws What a task failed with.
   */
  async settled(): Promise<void> {
    await this.over()
    this.#throwFailure()
  }

  /** Waits until no task runs, whatever came of them. */
  async over(): Promise<void> {
    await Promise.all(this.#running)
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }
}

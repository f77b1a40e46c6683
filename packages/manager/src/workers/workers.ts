import { startPeriodicTasks } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { agentChecks } from './agent-checks.ts'
import { JobWorkerPool } from './job-worker-pool.ts'
import { maintenanceTasks } from './maintenance.ts'
import { objectRemoval } from './removals.ts'
import { retentionSweep } from './retention.ts'
import { schedulerTick } from './scheduler.ts'

/** What a manager does in the background: the job worker pool and the periodic tasks. Managers share the work by claims. */
export class Workers {
  readonly #context: Context
  readonly #pool: JobWorkerPool

  constructor(context: Context) {
    this.#context = context
    this.#pool = new JobWorkerPool(context)
  }

  /** Starts the job worker pool. Returns what stops it: its jobs are unlocked, and continue at their agents. */
  async startPool(options: { isAlone: boolean }): Promise<() => Promise<void>> {
    await this.#pool.start(options)
    return () => this.#pool.stop()
  }

  /** Claims waiting jobs now. */
  wake(): void {
    this.#pool.wake()
  }

  /** Starts the periodic tasks. Returns what stops them. */
  startTasks(): () => Promise<void> {
    const context = this.#context
    const tasks = [
      schedulerTick(context),
      retentionSweep(context),
      objectRemoval(context),
      agentChecks(context),
      ...maintenanceTasks(context),
    ]
    const running = startPeriodicTasks(tasks, ({ name }, error) =>
      context.log.warn({ err: error, task: name }, 'periodic task failed; retrying'),
    )
    return () => running.stop()
  }
}

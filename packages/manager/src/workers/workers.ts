import { startPeriodicTasks } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { giveUpDrill, runDrill } from '../drills/run-drill.ts'
import { runJob } from '../execution/run-job.ts'
import { claimJobs } from '../jobs/claim-jobs.ts'
import { claimOwnJobs } from '../jobs/claim-own-jobs.ts'
import { runVerification } from '../verification/run-verification.ts'
import { agentChecks } from './agent-checks.ts'
import { alarmTask, withdrawFromAlarms } from './alarms.ts'
import { brokerTasks } from './broker.ts'
import { clockWatch } from './clock-watch.ts'
import { cloning } from './clones.ts'
import { destinationChecks } from './destination-checks.ts'
import { drillTick } from './drills.ts'
import { JobWorkerPool } from './job-worker-pool.ts'
import { maintenanceTasks } from './maintenance.ts'
import { notificationTasks } from './notifications.ts'
import { policyEnforcement } from './policies.ts'
import { reconciliations } from './reconciliations.ts'
import { objectRemoval } from './removals.ts'
import { retentionSweep } from './retention.ts'
import { schedulerTick, skipTask } from './scheduler.ts'
import { provisioning } from './service-brokers.ts'
import { unknownPartChecks } from './unknown-parts.ts'

/** What a manager does in the background: the job worker pools and the periodic tasks. Managers share the work by claims. */
export class Workers {
  readonly #context: Context
  readonly #pool: JobWorkerPool
  readonly #verifications: JobWorkerPool
  readonly #drills: JobWorkerPool

  constructor(context: Context) {
    this.#context = context
    this.#pool = new JobWorkerPool(context, { claim: claimJobs, run: runJob })
    const { maxRunningVerifications, maxRunningDrills } = context.settings
    this.#verifications = new JobWorkerPool(context, {
      claim: (_context, claimant) => claimOwnJobs(context, 'verify', claimant, maxRunningVerifications),
      run: runVerification,
    })
    this.#drills = new JobWorkerPool(context, {
      claim: (_context, claimant) => claimOwnJobs(context, 'drill', claimant, maxRunningDrills),
      run: runDrill,
      giveUp: giveUpDrill,
    })
  }

  /**
   * Starts the job worker pools. Returns what stops them: their jobs are unlocked. Those at agents continue there;
   * verifications are run again, and drills continue where they are.
   */
  async startPools(options: { isAlone: boolean }): Promise<() => Promise<void>> {
    await this.#pool.start(options)
    await this.#verifications.start({ isAlone: false })
    await this.#drills.start({ isAlone: false })
    return async () => {
      await Promise.all([this.#pool.stop(), this.#verifications.stop(), this.#drills.stop()])
    }
  }

  /** Whether this manager may claim and run jobs. */
  get hasLease(): boolean {
    return this.#pool.hasLease && this.#verifications.hasLease && this.#drills.hasLease
  }

  /** Claims waiting jobs now. */
  wake(): void {
    this.#pool.wake()
    this.#verifications.wake()
    this.#drills.wake()
  }

  /** Starts the periodic tasks. Returns what stops them. */
  startTasks(): () => Promise<void> {
    const context = this.#context
    const tasks = [
      clockWatch(context),
      schedulerTick(context),
      skipTask(context),
      drillTick(context),
      retentionSweep(context),
      objectRemoval(context),
      agentChecks(context),
      destinationChecks(context),
      reconciliations(context),
      provisioning(context),
      cloning(context),
      unknownPartChecks(context),
      policyEnforcement(context),
      alarmTask(context),
      ...brokerTasks(context),
      ...notificationTasks(context),
      ...maintenanceTasks(context),
    ]
    const running = startPeriodicTasks(tasks, ({ name }, error) =>
      context.log.warn({ err: error, task: name }, 'periodic task failed; retrying'),
    )
    return async () => {
      await running.stop()
      await withdrawFromAlarms(context)
    }
  }
}

import { z } from 'zod'
import { type ClientOptions, Connection } from './connection.ts'
import { auditCalls, brokerAccountCalls, tokenCalls } from './terms/access.ts'
import { backupPlanCalls } from './terms/backup-plans.ts'
import { fileDestinationCalls } from './terms/file-destinations.ts'
import { jobCalls } from './terms/jobs.ts'
import { restorePointCalls } from './terms/restore-points.ts'
import { serviceInstanceCalls } from './terms/service-instances.ts'

/**
 * The manager's REST API, one method a call. Every method rejects with an `ApiError` whose message is a sentence for
 * people. What is sent and answered has the shapes of `@osb-backup/protocol`.
 */
export class BackupClient {
  readonly serviceInstances: ReturnType<typeof serviceInstanceCalls>
  readonly fileDestinations: ReturnType<typeof fileDestinationCalls>
  readonly backupPlans: ReturnType<typeof backupPlanCalls>
  readonly jobs: ReturnType<typeof jobCalls>
  readonly restorePoints: ReturnType<typeof restorePointCalls>
  /** For admins. */
  readonly tokens: ReturnType<typeof tokenCalls>
  /** For admins. */
  readonly brokerAccounts: ReturnType<typeof brokerAccountCalls>
  /** For admins. */
  readonly audit: ReturnType<typeof auditCalls>
  readonly #connection: Connection

  constructor(options: ClientOptions) {
    const connection = new Connection(options)
    this.#connection = connection
    this.serviceInstances = serviceInstanceCalls(connection)
    this.fileDestinations = fileDestinationCalls(connection)
    this.backupPlans = backupPlanCalls(connection)
    this.jobs = jobCalls(connection)
    this.restorePoints = restorePointCalls(connection)
    this.tokens = tokenCalls(connection)
    this.brokerAccounts = brokerAccountCalls(connection)
    this.audit = auditCalls(connection)
  }

  /** Resolves if the manager answers. */
  async checkHealth(): Promise<void> {
    await this.#connection.get('/health', z.object({ status: z.literal('UP') }))
  }
}

import {
  type CallerInfo,
  type Clock,
  callerSchema,
  clockSchema,
  type EventQuery,
  type IdentityProvider,
  identityProviderSchema,
  type Limits,
  limitsSchema,
  type Manager,
  managersSchema,
  type Overview,
  overviewSchema,
  type SignIn,
  signInSchema,
  type Version,
  versionSchema,
} from '@osb-backup/protocol/v1'
import { type CallOptions, type ClientOptions, Connection } from './connection.ts'
import { type FollowedEvent, followEvents } from './follow-events.ts'
import { auditEntryCalls, brokerAccountCalls, tokenCalls } from './resources/access.ts'
import { agentCalls } from './resources/agents.ts'
import { alarmCalls } from './resources/alarms.ts'
import { cloneCalls } from './resources/clones.ts'
import { destinationCalls } from './resources/destinations.ts'
import { instanceCalls } from './resources/instances.ts'
import { jobCalls } from './resources/jobs.ts'
import { channelCalls, notificationCalls } from './resources/notifications.ts'
import { planCalls } from './resources/plans.ts'
import { policyAssignmentCalls, policyCalls, policyExemptionCalls } from './resources/policies.ts'
import { reconciliationCalls } from './resources/reconciliations.ts'
import { restorePointCalls } from './resources/restore-points.ts'
import { provisionedInstanceCalls, serviceBrokerCalls } from './resources/service-brokers.ts'

/**
 * The manager's API, `/v1`, one method a call. Every method rejects with an `ApiError` whose message is a sentence for people.
 * Requests and answers have the shapes of `@osb-backup/protocol/v1`.
 */
export class BackupClient {
  readonly instances: ReturnType<typeof instanceCalls>
  readonly agents: ReturnType<typeof agentCalls>
  readonly destinations: ReturnType<typeof destinationCalls>
  readonly reconciliations: ReturnType<typeof reconciliationCalls>
  readonly plans: ReturnType<typeof planCalls>
  readonly policies: ReturnType<typeof policyCalls>
  readonly policyAssignments: ReturnType<typeof policyAssignmentCalls>
  readonly policyExemptions: ReturnType<typeof policyExemptionCalls>
  readonly jobs: ReturnType<typeof jobCalls>
  readonly restorePoints: ReturnType<typeof restorePointCalls>
  readonly alarms: ReturnType<typeof alarmCalls>
  /** For admins. */
  readonly notificationChannels: ReturnType<typeof channelCalls>
  /** For admins. */
  readonly notifications: ReturnType<typeof notificationCalls>
  /** For admins. */
  readonly serviceBrokers: ReturnType<typeof serviceBrokerCalls>
  readonly provisionedInstances: ReturnType<typeof provisionedInstanceCalls>
  readonly clones: ReturnType<typeof cloneCalls>
  /** For admins. */
  readonly tokens: ReturnType<typeof tokenCalls>
  /** For admins. */
  readonly brokerAccounts: ReturnType<typeof brokerAccountCalls>
  /** For admins. */
  readonly auditEntries: ReturnType<typeof auditEntryCalls>
  readonly #connection: Connection

  constructor(options: ClientOptions) {
    const connection = new Connection(options)
    this.#connection = connection
    this.instances = instanceCalls(connection)
    this.agents = agentCalls(connection)
    this.destinations = destinationCalls(connection)
    this.reconciliations = reconciliationCalls(connection)
    this.plans = planCalls(connection)
    this.policies = policyCalls(connection)
    this.policyAssignments = policyAssignmentCalls(connection)
    this.policyExemptions = policyExemptionCalls(connection)
    this.jobs = jobCalls(connection)
    this.restorePoints = restorePointCalls(connection)
    this.alarms = alarmCalls(connection)
    this.notificationChannels = channelCalls(connection)
    this.notifications = notificationCalls(connection)
    this.serviceBrokers = serviceBrokerCalls(connection)
    this.provisionedInstances = provisionedInstanceCalls(connection)
    this.clones = cloneCalls(connection)
    this.tokens = tokenCalls(connection)
    this.brokerAccounts = brokerAccountCalls(connection)
    this.auditEntries = auditEntryCalls(connection)
  }

  /** The version of the manager. Needs no valid token. */
  version(options: CallOptions = {}): Promise<Version> {
    return this.#connection.call({ method: 'GET', path: '/v1/version', answer: versionSchema, ...options })
  }

  /** How to sign in to the dashboard. Needs no valid token. */
  signIn(options: CallOptions = {}): Promise<SignIn> {
    return this.#connection.call({ method: 'GET', path: '/v1/sign-in', answer: signInSchema, ...options })
  }

  /** Where users of the identity provider sign in. Needs no valid token. */
  identityProvider(options: CallOptions = {}): Promise<IdentityProvider> {
    const path = '/v1/sign-in/identity-provider'
    return this.#connection.call({ method: 'GET', path, answer: identityProviderSchema, ...options })
  }

  /** What the settings of the manager allow. */
  limits(options: CallOptions = {}): Promise<Limits> {
    return this.#connection.call({ method: 'GET', path: '/v1/limits', answer: limitsSchema, ...options })
  }

  /** The managers of the installation. For operators of all instances. */
  async managers(options: CallOptions = {}): Promise<Manager[]> {
    const call = { method: 'GET', path: '/v1/managers', answer: managersSchema, ...options } as const
    return (await this.#connection.call(call)).items
  }

  /** Who the caller is, and what they may do. */
  caller(options: CallOptions = {}): Promise<CallerInfo> {
    return this.#connection.call({ method: 'GET', path: '/v1/caller', answer: callerSchema, ...options })
  }

  /** What the caller may see, in numbers. */
  overview(options: CallOptions = {}): Promise<Overview> {
    return this.#connection.call({ method: 'GET', path: '/v1/overview', answer: overviewSchema, ...options })
  }

  /** PostgreSQL's clock, and whether it stops deletions. */
  clock(options: CallOptions = {}): Promise<Clock> {
    return this.#connection.call({ method: 'GET', path: '/v1/clock', answer: clockSchema, ...options })
  }

  /** Confirms that PostgreSQL's clock is right after it was set: deletions continue. */
  confirmClock(options: CallOptions = {}): Promise<Clock> {
    return this.#connection.call({ method: 'POST', path: '/v1/clock/confirm', answer: clockSchema, ...options })
  }

  /** Follows jobs and alarms as they change; leave the loop or abort to end it. */
  followEvents(query: EventQuery = {}, options: CallOptions = {}): AsyncGenerator<FollowedEvent> {
    return followEvents(this.#connection.options, query, options)
  }
}

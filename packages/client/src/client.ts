import {
  type AuditEntry,
  auditEntrySchema,
  type BackupJob,
  type BackupPlan,
  type BackupPlanPreview,
  type BackupPlanPreviewRequest,
  type BackupPlanRequest,
  type BrokerAccount,
  type BrokerAccountRequest,
  backupPlanPreviewSchema,
  backupPlanSchema,
  backupStartedSchema,
  brokerAccountSchema,
  type FileDestination,
  type FileDestinationRequest,
  fileDestinationSchema,
  type Job,
  jobSchema,
  type Page,
  type PlanRun,
  pageSchema,
  planRunSchema,
  type ReconcileRequest,
  type Reconciliation,
  type RestoreJob,
  type RestorePoint,
  type RestorePointStart,
  type RestoreStart,
  reconciliationSchema,
  restorePointSchema,
  restorePointStartedSchema,
  restoreStartedSchema,
  type ServiceInstance,
  type ServiceInstanceRequest,
  serviceInstanceSchema,
  type Token,
  type TokenCreated,
  type TokenRequest,
  tokenCreatedSchema,
  tokenSchema,
} from '@osb-backup/protocol'
import { z } from 'zod'
import { type Call, type ClientOptions, callManager } from './connection.ts'
import { type FollowOptions, followJobs, type JobEvent } from './follow-jobs.ts'

/** Which page of a list. */
export interface Paging {
  /** From 0. */
  page?: number
  size?: number
  /** `property,asc` or `property,desc`. */
  sort?: string
}

/** Breaks a call off. */
export interface Abortable {
  signal?: AbortSignal
}

/** What a list of restore points is narrowed to. */
export interface PointFilter {
  plan?: string
  item?: string
  takenFrom?: string
  takenUntil?: string
}

const nothing = z.unknown().transform(() => undefined)
const quoted = encodeURIComponent

/**
 * The manager's REST API, one method a call. Every method rejects with an `ApiError` whose message is a sentence for
 * people. What is sent and answered has the shapes of `@osb-backup/protocol`.
 */
export class BackupClient {
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
  }

  readonly serviceInstances = {
    list: (paging: Paging = {}): Promise<Page<ServiceInstance>> =>
      this.#get('/serviceInstances', pageSchema(serviceInstanceSchema), paging),
    get: (id: string): Promise<ServiceInstance> => this.#get(`/serviceInstances/${quoted(id)}`, serviceInstanceSchema),
    /** Registers an instance, or replaces what is known of it; passwords left out stay as they are. */
    put: (id: string, instance: ServiceInstanceRequest): Promise<ServiceInstance> =>
      this.#call({
        method: 'PUT',
        path: `/serviceInstances/${quoted(id)}`,
        body: instance,
        answer: serviceInstanceSchema,
      }),
    remove: (id: string): Promise<void> => this.#remove(`/serviceInstances/${quoted(id)}`),
  }

  readonly fileDestinations = {
    list: (instanceId: string, paging: Paging = {}): Promise<Page<FileDestination>> =>
      this.#get(`/fileDestinations/byInstance/${quoted(instanceId)}`, pageSchema(fileDestinationSchema), paging),
    get: (id: string): Promise<FileDestination> => this.#get(`/fileDestinations/${quoted(id)}`, fileDestinationSchema),
    create: (destination: FileDestinationRequest): Promise<FileDestination> =>
      this.#call({ method: 'POST', path: '/fileDestinations', body: destination, answer: fileDestinationSchema }),
    update: (id: string, destination: FileDestinationRequest): Promise<FileDestination> =>
      this.#call({
        method: 'PATCH',
        path: `/fileDestinations/${quoted(id)}`,
        body: destination,
        answer: fileDestinationSchema,
      }),
    /** Writes, reads back and removes an object there; rejects with what failed. */
    validate: (destination: FileDestinationRequest): Promise<FileDestination> =>
      this.#call({
        method: 'POST',
        path: '/fileDestinations/validate',
        body: destination,
        answer: fileDestinationSchema,
      }),
    /** Compares it with the restore points that name it; what has no counterpart is removed only if told to. */
    reconcile: (id: string, how: ReconcileRequest = {}): Promise<Reconciliation> =>
      this.#call({
        method: 'POST',
        path: `/fileDestinations/${quoted(id)}/reconcile`,
        body: how,
        answer: reconciliationSchema,
      }),
    remove: (id: string): Promise<void> => this.#remove(`/fileDestinations/${quoted(id)}`),
  }

  readonly backupPlans = {
    list: (instanceId: string, paging: Paging = {}): Promise<Page<BackupPlan>> =>
      this.#get(`/backupPlans/byInstance/${quoted(instanceId)}`, pageSchema(backupPlanSchema), paging),
    get: (id: string): Promise<BackupPlan> => this.#get(`/backupPlans/${quoted(id)}`, backupPlanSchema),
    create: (plan: BackupPlanRequest): Promise<BackupPlan> =>
      this.#call({ method: 'POST', path: '/backupPlans', body: plan, answer: backupPlanSchema }),
    update: (id: string, plan: BackupPlanRequest): Promise<BackupPlan> =>
      this.#call({ method: 'PATCH', path: `/backupPlans/${quoted(id)}`, body: plan, answer: backupPlanSchema }),
    /** When a plan would run next, and what its retention would keep; nothing is stored or deleted. */
    preview: (plan: BackupPlanPreviewRequest): Promise<BackupPlanPreview> =>
      this.#call({ method: 'POST', path: '/backupPlans/preview', body: plan, answer: backupPlanPreviewSchema }),
    /** What became of its scheduled runs, newest first: started, skipped or missed. */
    listRuns: (id: string, paging: Paging = {}): Promise<Page<PlanRun>> =>
      this.#get(`/backupPlans/${quoted(id)}/runs`, pageSchema(planRunSchema), paging),
    /** Deletes a plan. Its files stay, unless asked for; those that are held always do. */
    remove: (id: string, { files }: { files?: 'keep' | 'delete' } = {}): Promise<BackupPlan> =>
      this.#call({ method: 'DELETE', path: `/backupPlans/${quoted(id)}`, query: { files }, answer: backupPlanSchema }),
  }

  readonly jobs = {
    listBackups: (instanceId: string, paging: Paging = {}): Promise<Page<Job>> =>
      this.#get(`/backupJobs/byInstance/${quoted(instanceId)}`, pageSchema(jobSchema), paging),
    listRestores: (instanceId: string, paging: Paging = {}): Promise<Page<Job>> =>
      this.#get(`/restoreJobs/byInstance/${quoted(instanceId)}`, pageSchema(jobSchema), paging),
    /** A job of either kind. */
    get: (id: string, { signal }: Abortable = {}): Promise<Job> =>
      this.#call({ method: 'GET', path: `/restoreJobs/${quoted(id)}`, answer: jobSchema, signal }),
    /** Follows jobs as they change, so that nobody has to poll; leave the loop or abort to end it. */
    follow: (follow: FollowOptions = {}): AsyncGenerator<JobEvent> => followJobs(this.#options, follow),
    /** Starts a backup job of a plan now. */
    startBackup: async (planId: string): Promise<BackupJob> => {
      const answer = backupStartedSchema
      const body = { backupPlan: { id: planId } }
      return (await this.#call({ method: 'POST', path: '/backup', body, answer })).backupJob
    },
    /** Starts a restore job of what a backup job left. */
    startRestore: async (restore: RestoreStart): Promise<RestoreJob> => {
      const answer = restoreStartedSchema
      return (await this.#call({ method: 'POST', path: '/restore', body: restore, answer })).restoreJob
    },
    /** Cancels a job of either kind: what runs is stopped, then cleaned up and unlocked. It ends as FAILED. */
    cancel: async (id: string): Promise<Job> => {
      const { jobType } = await this.jobs.get(id)
      const path = `/${jobType === 'BACKUP' ? 'backupJobs' : 'restoreJobs'}/${quoted(id)}/cancel`
      return this.#call({ method: 'POST', path, answer: jobSchema })
    },
    /** Deletes a backup job that is over; its files stay. */
    remove: (id: string): Promise<void> => this.#remove(`/backupJobs/${quoted(id)}`),
    /** Removes the stored files of a backup job. */
    removeFiles: (id: string): Promise<void> => this.#remove(`/backupJobs/${quoted(id)}/file`),
  }

  readonly restorePoints = {
    /** Those of an instance, newest first, narrowed by plan, item and time (ISO 8601; until is not included). */
    list: (
      instanceId: string,
      { plan, item, takenFrom, takenUntil, ...paging }: Paging & PointFilter = {},
    ): Promise<Page<RestorePoint>> =>
      this.#call({
        method: 'GET',
        path: `/restorePoints/byInstance/${quoted(instanceId)}`,
        query: { ...paging, plan, item, takenFrom, takenUntil },
        answer: pageSchema(restorePointSchema),
      }),
    get: (id: string): Promise<RestorePoint> => this.#get(`/restorePoints/${quoted(id)}`, restorePointSchema),
    /** A held point is never swept, and not deleted. */
    hold: (id: string): Promise<RestorePoint> => this.#act(id, 'hold'),
    release: (id: string): Promise<RestorePoint> => this.#act(id, 'release'),
    /** Reads the object back and compares size and digest; may take as long as a restore. */
    verify: (id: string, { signal }: Abortable = {}): Promise<RestorePoint> => this.#act(id, 'verify', signal),
    /** Starts a restore job: to the same or another instance, under the same or another database name. */
    startRestore: async (id: string, restore: RestorePointStart = {}): Promise<RestoreJob> => {
      const path = `/restorePoints/${quoted(id)}/restore`
      return (await this.#call({ method: 'POST', path, body: restore, answer: restorePointStartedSchema })).restoreJob
    },
    /** Deletes a point with its object. */
    remove: (id: string): Promise<void> => this.#remove(`/restorePoints/${quoted(id)}`),
  }

  /** For admins. */
  readonly tokens = {
    list: (): Promise<Token[]> => this.#get('/tokens', z.array(tokenSchema)),
    /** Makes a token; only this answer ever shows it. */
    create: (token: TokenRequest): Promise<TokenCreated> =>
      this.#call({ method: 'POST', path: '/tokens', body: token, answer: tokenCreatedSchema }),
    revoke: (id: string): Promise<void> => this.#remove(`/tokens/${quoted(id)}`),
  }

  /** For admins. */
  readonly brokerAccounts = {
    list: (): Promise<BrokerAccount[]> => this.#get('/brokerAccounts', z.array(brokerAccountSchema)),
    put: (name: string, account: BrokerAccountRequest): Promise<BrokerAccount> =>
      this.#call({
        method: 'PUT',
        path: `/brokerAccounts/${quoted(name)}`,
        body: account,
        answer: brokerAccountSchema,
      }),
    remove: (name: string): Promise<void> => this.#remove(`/brokerAccounts/${quoted(name)}`),
  }

  /** Who did what, newest first; for admins. */
  readonly audit = {
    list: ({ serviceInstance, ...paging }: Paging & { serviceInstance?: string } = {}): Promise<Page<AuditEntry>> =>
      this.#call({
        method: 'GET',
        path: '/audit',
        query: { ...paging, serviceInstance },
        answer: pageSchema(auditEntrySchema),
      }),
  }

  #act(id: string, action: 'hold' | 'release' | 'verify', signal?: AbortSignal): Promise<RestorePoint> {
    const path = `/restorePoints/${quoted(id)}/${action}`
    return this.#call({ method: 'POST', path, answer: restorePointSchema, signal })
  }

  #get<T>(path: string, answer: z.ZodType<T>, paging: Paging = {}): Promise<T> {
    return this.#call({ method: 'GET', path, query: { ...paging }, answer })
  }

  #remove(path: string): Promise<void> {
    return this.#call({ method: 'DELETE', path, answer: nothing })
  }

  #call<T>(call: Call<T>): Promise<T> {
    return callManager(this.#options, call)
  }
}

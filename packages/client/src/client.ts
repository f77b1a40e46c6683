import {
  type BackupJob,
  type BackupPlan,
  type BackupPlanRequest,
  backupPlanSchema,
  backupStartedSchema,
  type FileDestination,
  type FileDestinationRequest,
  fileDestinationSchema,
  type Job,
  jobSchema,
  type Page,
  pageSchema,
  type RestoreJob,
  type RestoreStart,
  restoreStartedSchema,
  type ServiceInstance,
  type ServiceInstanceRequest,
  serviceInstanceSchema,
} from '@osb-backup/protocol'
import { z } from 'zod'
import { type Call, type ClientOptions, callManager } from './connection.ts'

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
    /** Deletes a plan; its files stay. */
    remove: (id: string): Promise<BackupPlan> =>
      this.#call({ method: 'DELETE', path: `/backupPlans/${quoted(id)}`, answer: backupPlanSchema }),
  }

  readonly jobs = {
    listBackups: (instanceId: string, paging: Paging = {}): Promise<Page<Job>> =>
      this.#get(`/backupJobs/byInstance/${quoted(instanceId)}`, pageSchema(jobSchema), paging),
    listRestores: (instanceId: string, paging: Paging = {}): Promise<Page<Job>> =>
      this.#get(`/restoreJobs/byInstance/${quoted(instanceId)}`, pageSchema(jobSchema), paging),
    /** A job of either kind. */
    get: (id: string, { signal }: Abortable = {}): Promise<Job> =>
      this.#call({ method: 'GET', path: `/restoreJobs/${quoted(id)}`, answer: jobSchema, signal }),
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
    /** Deletes a backup job that is over; its files stay. */
    remove: (id: string): Promise<void> => this.#remove(`/backupJobs/${quoted(id)}`),
    /** Removes the stored files of a backup job. */
    removeFiles: (id: string): Promise<void> => this.#remove(`/backupJobs/${quoted(id)}/file`),
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

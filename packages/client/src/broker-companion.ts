import type {
  Instance,
  InstanceCreate,
  InstancePatch,
  Job,
  RestorePoint,
  RestoreRequest,
} from '@osb-backup/protocol/v1'
import { ApiError } from './api-error.ts'
import { BackupClient } from './client.ts'
import type { CallOptions, ClientOptions } from './connection.ts'
import { sleep } from './sleep.ts'

const POLL_MS = 2000

/** What becomes of an instance that is deregistered. */
export interface DeregisterOptions extends CallOptions {
  /** Takes a last backup of each plan first; nothing is deleted if one fails. */
  lastBackup?: boolean
  /** Deletes the files after these days; absent: they stay. The token needs the permission `delete-backups`. */
  keepFilesDays?: number
  /** How often it is asked whether the end was reached. */
  intervalMs?: number
}

/**
 * What a service broker does at the manager when it provisions, updates and deprovisions: a token with the role `broker` is all that it
 * needs. Every method may be repeated after a failure, as platforms repeat their requests.
 */
export class BrokerCompanion {
  /** For calls that have no method here, such as those about agents. */
  readonly client: BackupClient

  constructor(options: ClientOptions) {
    this.client = new BackupClient(options)
  }

  /** Registers an instance; if it is registered already, it is changed to what is given. */
  async register(instance: InstanceCreate, options: CallOptions = {}): Promise<Instance> {
    try {
      return await this.client.instances.create(instance, options)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409 || error.field !== 'id') throw error
      const { id, ...settings } = instance
      return this.client.instances.update(id, settings, options)
    }
  }

  /** Changes an instance that was registered: a JSON merge patch. */
  update(id: string, patch: InstancePatch, options: CallOptions = {}): Promise<Instance> {
    return this.client.instances.update(id, patch, options)
  }

  /**
   * Deregisters an instance, and waits for the end. One that is not registered counts as deregistered.
   *
   * @throws {ApiError} If the last backup fails: then nothing was deleted, and the broker must keep the database.
   */
  async deregister(id: string, { intervalMs = POLL_MS, ...options }: DeregisterOptions = {}): Promise<void> {
    try {
      const started = await this.client.instances.deregister(id, options)
      for (let instance = started; instance !== undefined; ) {
        const { deregistration } = instance
        if (deregistration?.state !== 'running')
          throw new ApiError(deregistration?.reason ?? 'It was not deregistered.')
        await sleep(intervalMs, options.signal)
        instance = await this.client.instances.get(id, options)
      }
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
    }
  }

  /** The backups of an instance, newest first, also of one that was deregistered. */
  backupsOf(instanceId: string, options: CallOptions = {}): AsyncGenerator<RestorePoint, void> {
    return this.client.restorePoints.iterate({ instance: instanceId }, options)
  }

  /** Restores a backup into another instance, also one of an instance that was deregistered. Waits for the end. */
  async restoreInto(
    instanceId: string,
    backupId: string,
    request: Omit<RestoreRequest, 'instanceId'> = {},
    options: CallOptions = {},
  ): Promise<Job> {
    const { id } = await this.client.restorePoints.restore(backupId, { ...request, instanceId }, options)
    return this.client.jobs.wait(id, options)
  }
}

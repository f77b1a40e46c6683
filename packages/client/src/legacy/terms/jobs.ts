import {
  type BackupJob,
  backupStartedSchema,
  type Job,
  type JobStatus,
  jobSchema,
  type Page,
  pageSchema,
  type RestoreJob,
  type RestoreStart,
  restoreStartedSchema,
} from '@osb-backup/protocol'
import type { Connection, Paging } from '../connection.ts'
import { type FollowOptions, followJobs, type JobEvent } from '../follow-jobs.ts'
import type { Abortable, StartOptions } from './options.ts'

const quoted = encodeURIComponent
const pageOfJobs = pageSchema(jobSchema)

/** Calls about backup jobs and restore jobs. */
export const jobCalls = (connection: Connection) => {
  /** A job of either kind. */
  const get = (id: string, { signal }: Abortable = {}): Promise<Job> =>
    connection.call({ method: 'GET', path: `/restoreJobs/${quoted(id)}`, answer: jobSchema, signal })
  return {
    /** Those of an instance, newest first, or only those in one state. */
    listBackups: (
      instanceId: string,
      { status, ...paging }: Paging & { status?: JobStatus } = {},
    ): Promise<Page<Job>> => {
      const path = `/backupJobs/byInstance/${quoted(instanceId)}${status === undefined ? '' : '/filtered'}`
      return connection.call({ method: 'GET', path, query: { ...paging, jobStatus: status }, answer: pageOfJobs })
    },
    listRestores: (instanceId: string, paging: Paging = {}): Promise<Page<Job>> =>
      connection.get(`/restoreJobs/byInstance/${quoted(instanceId)}`, pageOfJobs, paging),
    get,
    /** Follows jobs as they change, so that nobody has to poll; leave the loop or abort to end it. */
    follow: (follow: FollowOptions = {}): AsyncGenerator<JobEvent> => followJobs(connection.options, follow),
    /** Starts a backup job of a plan now. */
    startBackup: async (planId: string, { idempotencyKey }: StartOptions = {}): Promise<BackupJob> => {
      const start = { method: 'POST', path: '/backup', body: { backupPlan: { id: planId } }, idempotencyKey } as const
      return (await connection.call({ ...start, answer: backupStartedSchema })).backupJob
    },
    /** Starts a restore job of what a backup job left. */
    startRestore: async (restore: RestoreStart, { idempotencyKey }: StartOptions = {}): Promise<RestoreJob> => {
      const start = { method: 'POST', path: '/restore', body: restore, idempotencyKey } as const
      return (await connection.call({ ...start, answer: restoreStartedSchema })).restoreJob
    },
    /** Cancels a job of either kind: what runs is stopped, then cleaned up and unlocked. It ends as FAILED. */
    cancel: async (id: string): Promise<Job> => {
      const { jobType } = await get(id)
      const path = `/${jobType === 'BACKUP' ? 'backupJobs' : 'restoreJobs'}/${quoted(id)}/cancel`
      return connection.call({ method: 'POST', path, answer: jobSchema })
    },
    /** Deletes a backup job that is over; its files stay. */
    remove: (id: string): Promise<void> => connection.remove(`/backupJobs/${quoted(id)}`),
    /** Removes the stored files of a backup job. */
    removeFiles: (id: string): Promise<void> => connection.remove(`/backupJobs/${quoted(id)}/file`),
    /** Deletes the jobs of an instance that are over; files stay. */
    removeOfInstance: (instanceId: string): Promise<void> =>
      connection.remove(`/backupJobs/byInstance/${quoted(instanceId)}`),
  }
}

import {
  type Job,
  jobSchema,
  type ObjectQuery,
  type RestorePoint,
  type RestorePointQuery,
  type RestoreRequest,
  restorePointSchema,
  type VerifyQuery,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions, EditOptions, OpenAnswer } from '../connection.ts'
import { listCalls, noContent, pathOf, readCalls } from './resource.ts'

const path = '/v1/restore-points'

/** Calls about restore points. */
export const restorePointCalls = (connection: Connection) => {
  const act =
    (action: string) =>
    (id: string, options: CallOptions = {}): Promise<RestorePoint> =>
      connection.call({ method: 'POST', path: pathOf(path, id, action), answer: restorePointSchema, ...options })
  const start = (
    id: string,
    action: string,
    body: RestoreRequest | undefined,
    options: CreateOptions,
    query?: object,
  ): Promise<Job> =>
    connection.call({ method: 'POST', path: pathOf(path, id, action), body, query, answer: jobSchema, ...options })
  return {
    ...listCalls<RestorePoint, RestorePointQuery>(connection, path, restorePointSchema),
    ...readCalls(connection, path, restorePointSchema),
    /** Starts a restore job: to the same or another instance, under the same or another database name. */
    restore: (id: string, request: RestoreRequest = {}, options: CreateOptions = {}): Promise<Job> =>
      start(id, 'restore', request, options),
    /** Starts a verify job, which reads the object, or a sample of it in percent, and compares size and digests. */
    verify: (id: string, { sample, ...options }: CreateOptions & VerifyQuery = {}): Promise<Job> =>
      start(id, 'verify', undefined, options, { sample }),
    /** Opens its object, or its manifest, as it is stored: compressed and encrypted. The caller verifies it. */
    openObject: (id: string, query: ObjectQuery = {}, options: CallOptions = {}): Promise<OpenAnswer> =>
      connection.open(pathOf(path, id, 'object'), query, options),
    /** Holds it: it is neither expired nor deleted. */
    hold: act('hold'),
    /** Takes a deletion back within its grace period. */
    undelete: act('undelete'),
    /** Ends the hold. */
    release: act('release'),
    /** Confirms that its size is right, though it is much smaller than those before it: it counts as a backup. */
    confirm: act('confirm'),
    /** Deletes it with its object; with `force`, which is for admins, also if the object cannot be removed. */
    delete: (id: string, { force, ...options }: EditOptions & { force?: boolean } = {}): Promise<void> =>
      connection.call({
        method: 'DELETE',
        path: pathOf(path, id),
        query: { force: force ? 'true' : undefined },
        answer: noContent,
        ...options,
      }),
  }
}

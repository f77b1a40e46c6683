import {
  type Page,
  pageSchema,
  type RestoreJob,
  type RestorePoint,
  type RestorePointStart,
  restorePointSchema,
  restorePointStartedSchema,
} from '@osb-backup/protocol'
import type { Connection, Paging } from '../connection.ts'
import type { Abortable, StartOptions } from './options.ts'

/** What a list of restore points is narrowed to. Times are ISO 8601; until is not included. */
export interface PointFilter {
  plan?: string
  item?: string
  takenFrom?: string
  takenUntil?: string
}

const pathOf = (id: string) => `/restorePoints/${encodeURIComponent(id)}`

/** Calls about restore points. */
export const restorePointCalls = (connection: Connection) => {
  const act = (id: string, action: 'hold' | 'release' | 'verify', { signal }: Abortable = {}): Promise<RestorePoint> =>
    connection.call({ method: 'POST', path: `${pathOf(id)}/${action}`, answer: restorePointSchema, signal })
  return {
    /** Those of an instance, newest first. */
    list: (instanceId: string, query: Paging & PointFilter = {}): Promise<Page<RestorePoint>> =>
      connection.get(
        `/restorePoints/byInstance/${encodeURIComponent(instanceId)}`,
        pageSchema(restorePointSchema),
        query,
      ),
    get: (id: string): Promise<RestorePoint> => connection.get(pathOf(id), restorePointSchema),
    /** A held point is never swept, and not deleted. */
    hold: (id: string): Promise<RestorePoint> => act(id, 'hold'),
    release: (id: string): Promise<RestorePoint> => act(id, 'release'),
    /** Reads the object back and compares size and digest; may take as long as a restore. */
    verify: (id: string, options: Abortable = {}): Promise<RestorePoint> => act(id, 'verify', options),
    /** Starts a restore job: to the same or another instance, under the same or another database name. */
    startRestore: async (
      id: string,
      restore: RestorePointStart = {},
      { idempotencyKey }: StartOptions = {},
    ): Promise<RestoreJob> => {
      const start = { method: 'POST', path: `${pathOf(id)}/restore`, body: restore, idempotencyKey } as const
      return (await connection.call({ ...start, answer: restorePointStartedSchema })).restoreJob
    },
    /** Deletes a point with its object. */
    remove: (id: string): Promise<void> => connection.remove(pathOf(id)),
  }
}

import type { Clone, CloneQuery, CloneRequest } from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions } from '../connection.ts'
import { listCalls, pathOf, readCalls } from './resource.ts'

const path = '/v1/clones'

const cloneSchema = async () => (await import('@osb-backup/protocol/v1/clones')).cloneSchema

/** Calls about copies of the data of service instances in other ones. */
export const cloneCalls = (connection: Connection) => ({
  ...listCalls<Clone, CloneQuery>(connection, path, cloneSchema),
  ...readCalls(connection, path, cloneSchema),
  /** Starts a copy of an item of a service instance; `get` says how far it is. */
  create: (instanceId: string, clone: CloneRequest, options: CreateOptions = {}): Promise<Clone> =>
    connection.call({
      method: 'POST',
      path: pathOf('/v1/instances', instanceId, 'clone'),
      body: clone,
      answer: cloneSchema,
      ...options,
    }),
  /** Cancels a clone; an instance that was provisioned for it is deleted. */
  cancel: (id: string, options: CallOptions = {}): Promise<Clone> =>
    connection.call({ method: 'POST', path: pathOf(path, id, 'cancel'), answer: cloneSchema, ...options }),
})

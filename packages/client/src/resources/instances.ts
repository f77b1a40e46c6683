import {
  type Instance,
  type InstanceCreate,
  type InstancePatch,
  type InstanceQuery,
  type Item,
  instanceSchema,
  itemSchema,
  type List,
  listOf,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions } from '../connection.ts'
import { deleteCall, editCalls, listCalls, pathOf } from './resource.ts'

const path = '/v1/instances'

/** Calls about service instances. */
export const instanceCalls = (connection: Connection) => ({
  ...listCalls<Instance, InstanceQuery>(connection, path, instanceSchema),
  ...editCalls<Instance, InstancePatch>(connection, path, instanceSchema),
  /** Registers an instance. */
  create: (instance: InstanceCreate, options: CreateOptions = {}): Promise<Instance> =>
    connection.call({ method: 'POST', path, body: instance, answer: instanceSchema, ...options }),
  /** The databases that are, or were, backed up. */
  listItems: (id: string, options: CallOptions = {}): Promise<List<Item>> =>
    connection.call({ method: 'GET', path: pathOf(path, id, 'items'), answer: listOf(itemSchema), ...options }),
  /** Deletes an instance; its restore points stay. */
  delete: deleteCall(connection, path),
})

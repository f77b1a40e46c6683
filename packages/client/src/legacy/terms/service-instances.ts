import {
  type Page,
  pageSchema,
  type ServiceInstance,
  type ServiceInstanceRequest,
  serviceInstanceSchema,
} from '@osb-backup/protocol'
import type { Connection, Paging, Versioned } from '../connection.ts'
import type { EditOptions } from './options.ts'

const base = '/serviceInstances'
const pathOf = (id: string) => `${base}/${encodeURIComponent(id)}`

/** Calls about service instances. */
export const serviceInstanceCalls = (connection: Connection) => ({
  list: (paging: Paging = {}): Promise<Page<ServiceInstance>> =>
    connection.get(base, pageSchema(serviceInstanceSchema), paging),
  get: (id: string): Promise<ServiceInstance> => connection.get(pathOf(id), serviceInstanceSchema),
  getVersioned: (id: string): Promise<Versioned<ServiceInstance>> =>
    connection.getVersioned(pathOf(id), serviceInstanceSchema),
  /** Registers an instance, or replaces what is known of it; passwords left out stay as they are. */
  put: (id: string, instance: ServiceInstanceRequest, { version }: EditOptions = {}): Promise<ServiceInstance> =>
    connection.call({ method: 'PUT', path: pathOf(id), body: instance, answer: serviceInstanceSchema, version }),
  /** Forgets an instance; its restore points stay. */
  remove: (id: string): Promise<void> => connection.remove(pathOf(id)),
})

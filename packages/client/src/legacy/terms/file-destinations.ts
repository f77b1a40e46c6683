import {
  type FileDestination,
  type FileDestinationRequest,
  fileDestinationSchema,
  type Page,
  pageSchema,
  type ReconcileRequest,
  type Reconciliation,
  reconciliationSchema,
} from '@osb-backup/protocol'
import type { Connection, Paging, Versioned } from '../connection.ts'
import type { EditOptions } from './options.ts'

const base = '/fileDestinations'
const answer = fileDestinationSchema
const pathOf = (id: string) => `${base}/${encodeURIComponent(id)}`
const ofInstance = (instanceId: string) => `${base}/byInstance/${encodeURIComponent(instanceId)}`

/** Calls about file destinations. */
export const fileDestinationCalls = (connection: Connection) => ({
  list: (instanceId: string, paging: Paging = {}): Promise<Page<FileDestination>> =>
    connection.get(ofInstance(instanceId), pageSchema(answer), paging),
  get: (id: string): Promise<FileDestination> => connection.get(pathOf(id), answer),
  getVersioned: (id: string): Promise<Versioned<FileDestination>> => connection.getVersioned(pathOf(id), answer),
  create: (destination: FileDestinationRequest): Promise<FileDestination> =>
    connection.call({ method: 'POST', path: base, body: destination, answer }),
  /** Replaces it; a secret left out stays as it is. */
  update: (id: string, destination: FileDestinationRequest, { version }: EditOptions = {}): Promise<FileDestination> =>
    connection.call({ method: 'PATCH', path: pathOf(id), body: destination, answer, version }),
  /** Writes, reads back and removes an object there; rejects with what failed. */
  validate: (destination: FileDestinationRequest): Promise<FileDestination> =>
    connection.call({ method: 'POST', path: `${base}/validate`, body: destination, answer }),
  /** Compares it with the restore points that name it; what has no counterpart is removed only if told to. */
  reconcile: (id: string, how: ReconcileRequest = {}): Promise<Reconciliation> =>
    connection.call({ method: 'POST', path: `${pathOf(id)}/reconcile`, body: how, answer: reconciliationSchema }),
  /** Retires it; what is stored in it stays. */
  remove: (id: string): Promise<void> => connection.remove(pathOf(id)),
  /** Retires all of an instance. */
  removeOfInstance: (instanceId: string): Promise<void> => connection.remove(ofInstance(instanceId)),
})

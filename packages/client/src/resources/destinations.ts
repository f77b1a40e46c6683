import type {
  Destination,
  DestinationCheck,
  DestinationCreate,
  DestinationPatch,
  DestinationQuery,
  Reconcile,
  Reconciliation,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions } from '../connection.ts'
import { reconciliationSchema } from './reconciliations.ts'
import { deleteCall, editCalls, listCalls, pathOf } from './resource.ts'

const path = '/v1/destinations'

const load = () => import('@osb-backup/protocol/v1/destinations')
const destinationSchema = async () => (await load()).destinationSchema
const destinationCheckSchema = async () => (await load()).destinationCheckSchema

/** Calls about destinations. */
export const destinationCalls = (connection: Connection) => ({
  ...listCalls<Destination, DestinationQuery>(connection, path, destinationSchema),
  ...editCalls<Destination, DestinationPatch>(connection, path, destinationSchema),
  create: (destination: DestinationCreate, options: CreateOptions = {}): Promise<Destination> =>
    connection.call({ method: 'POST', path, body: destination, answer: destinationSchema, ...options }),
  /** Tries settings that are not stored: writes, reads back and removes an object. */
  checkSettings: (destination: DestinationCreate, options: CallOptions = {}): Promise<DestinationCheck> =>
    connection.call({
      method: 'POST',
      path: `${path}/check`,
      body: destination,
      answer: destinationCheckSchema,
      ...options,
    }),
  /** Tries a destination in the same way. */
  check: (id: string, options: CallOptions = {}): Promise<DestinationCheck> =>
    connection.call({ method: 'POST', path: pathOf(path, id, 'check'), answer: destinationCheckSchema, ...options }),
  /** Starts to compare what it holds with its restore points; removes orphans only if asked to. */
  reconcile: (id: string, request: Reconcile = {}, options: CreateOptions = {}): Promise<Reconciliation> =>
    connection.call({
      method: 'POST',
      path: pathOf(path, id, 'reconcile'),
      body: request,
      answer: reconciliationSchema,
      ...options,
    }),
  /** Deletes a destination that no plan uses; what is stored in it stays. */
  delete: deleteCall(connection, path),
})

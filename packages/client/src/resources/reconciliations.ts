import { isEnded, type Reconciliation } from '@osb-backup/protocol/v1'
import type { CallOptions, Connection } from '../connection.ts'
import { sleep } from '../sleep.ts'
import { pathOf, readCalls } from './resource.ts'

const path = '/v1/reconciliations'
const INTERVAL_MS = 250

export const reconciliationSchema = async () =>
  (await import('@osb-backup/protocol/v1/reconciliations')).reconciliationSchema

/** Calls about reconciliations; `destinations.reconcile` starts one. */
export const reconciliationCalls = (connection: Connection) => {
  const { get } = readCalls(connection, path, reconciliationSchema)
  return {
    get,
    /** Cancels a reconciliation; what it has removed stays removed. */
    cancel: (id: string, options: CallOptions = {}): Promise<Reconciliation> =>
      connection.call({ method: 'POST', path: pathOf(path, id, 'cancel'), answer: reconciliationSchema, ...options }),
    /** Reads a reconciliation until it has ended. The caller bounds the time by the signal. */
    wait: async (id: string, { signal }: CallOptions = {}): Promise<Reconciliation> => {
      for (;;) {
        const reconciliation = await get(id, { signal })
        if (isEnded(reconciliation.state)) return reconciliation
        await sleep(INTERVAL_MS, signal)
      }
    },
  }
}

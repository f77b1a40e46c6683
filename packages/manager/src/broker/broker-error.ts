/**
 * Why a request of a platform is refused, beyond what other callers are refused for. Words with a capital are those of the Open Service
 * Broker API, which platforms act on.
 * - `AsyncRequired`: it takes a while, and the platform does not wait.
 * - `ConcurrencyError`: another operation works on the service instance or the binding; it can be repeated.
 * - `MaintenanceInfoConflict`: the catalog has another version of the plan than the platform knows.
 * - `NotSupported`: the change is none that this broker makes.
 * - `Conflict`: what has the id is another one.
 * - `NotFound`, `Gone`: there is none of that id; `Gone` where it is to be deleted.
 */
export type BrokerErrorCode =
  | 'AsyncRequired'
  | 'ConcurrencyError'
  | 'MaintenanceInfoConflict'
  | 'NotSupported'
  | 'Conflict'
  | 'NotFound'
  | 'Gone'

/** A request of a platform that cannot be served. The message is a sentence for the user of the platform. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: BrokerErrorCode

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Another operation works on the service instance. */
export const busy = (id: string): BrokerError =>
  new BrokerError('ConcurrencyError', `Another operation of the service instance ${JSON.stringify(id)} is in progress.`)

import type { Destination, DestinationSettings, Store } from '@osb-backup/protocol/v1'
import { type StoreSettings, stores } from '@osb-backup/storage'
import type { FileDestination } from '../../destinations/destination.ts'
import { invariant } from '../../shared/invariant.ts'
import { RequestError } from '../../shared/request-error.ts'

/** A destination as the API answers it. */
export function destinationToWire(destination: FileDestination): Destination {
  const { store } = destination
  return {
    id: destination.id,
    instanceId: destination.instanceId,
    name: destination.name,
    label: destination.label,
    bandwidthLimitBytesPerSecond: destination.bandwidthLimitBytesPerSecond,
    quotaBytes: destination.quotaBytes,
    store: stores.kindOf(store).v1.encode(store) as Store,
    managedBy: destination.managedBy,
    createdAt: destination.createdAt.toISOString(),
    retiredAt: destination.retiredAt?.toISOString(),
  }
}

/** A destination as a client would send it, without its secret: that is kept where none is sent. */
export function settingsOfDestination({
  name,
  label,
  bandwidthLimitBytesPerSecond,
  quotaBytes,
  store,
}: FileDestination) {
  const { requestSchema, encode } = stores.kindOf(store).v1
  const sent = Object.entries(encode(store)).filter(([field]) => field in requestSchema.shape)
  return { name, label, bandwidthLimitBytesPerSecond, quotaBytes, store: Object.fromEntries(sent) }
}

/**
 * The settings of a destination as a client sent them.
 *
 * @param stored - What they replace: a secret that is not sent stays, where it may.
 * @throws {RequestError} If there is no secret, neither sent nor stored.
 */
export function destinationFromWire(
  { name, label, bandwidthLimitBytesPerSecond, quotaBytes, store }: DestinationSettings,
  stored: FileDestination | undefined,
): Pick<FileDestination, 'name' | 'label' | 'bandwidthLimitBytesPerSecond' | 'quotaBytes' | 'store'> {
  const kind = stores.kinds.find(({ type }) => type === store.kind)
  invariant(kind, `"${store.kind}" is a kind of store`)
  const decoded = kind.v1.decode(store, stored?.store)
  if (!decoded.ok) {
    const { field, problem } = decoded.error
    throw new RequestError('invalid', problem, { field: `store.${field}` })
  }
  return { name, label, bandwidthLimitBytesPerSecond, quotaBytes, store: decoded.value as StoreSettings }
}

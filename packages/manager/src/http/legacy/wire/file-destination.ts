import type { FileDestinationRequest, FileDestination as WireDestination } from '@osb-backup/protocol'
import { type StoreSettings, stores } from '@osb-backup/storage'
import type { FileDestination } from '../../../destinations/destination.ts'
import type { NewDestination } from '../../../destinations/service.ts'
import type { ServiceInstance } from '../../../instances/instance.ts'
import { invariant } from '../../../shared/invariant.ts'
import { RequestError } from '../../../shared/request-error.ts'
import { instanceToWire } from './service-instance.ts'

/**
 * A destination as clients read it, its secret masked.
 *
 * @param filenamePrefix - The prefix of a job's file names, where the destination is shown in a job.
 */
export function destinationToWire(
  destination: Omit<FileDestination, 'version' | 'createdAt' | 'retiredAt'>,
  instance: ServiceInstance,
  filenamePrefix?: string,
): WireDestination {
  const { id, name, store, bandwidthLimitBytesPerSecond } = destination
  return {
    id,
    idAsString: id,
    serviceInstance: instanceToWire(instance),
    name,
    ...(filenamePrefix === undefined ? {} : { filenamePrefix }),
    ...(bandwidthLimitBytesPerSecond === undefined ? {} : { bandwidthLimitBytesPerSecond }),
    ...stores.kindOf(store).legacy.encode(store),
  } as WireDestination
}

/**
 * Reads a destination as clients send it. A secret that is absent or masked keeps the stored one.
 *
 * @throws {RequestError} If there is no secret, neither sent nor stored.
 */
export function destinationFromWire(
  wire: FileDestinationRequest,
  instanceId: string,
  stored: FileDestination | undefined,
): NewDestination {
  const kind = stores.kindOfWireType(wire.type)
  invariant(kind, `"${wire.type}" is a kind of store`)
  const decoded = kind.legacy.decode(wire, stored?.store)
  if (!decoded.ok) {
    const { field, problem } = decoded.error
    throw new RequestError('invalid', problem, { field })
  }
  return {
    instanceId,
    name: wire.name,
    store: decoded.value as StoreSettings,
    bandwidthLimitBytesPerSecond: bandwidthFromWire(wire, stored),
    quotaBytes: stored?.quotaBytes,
    label: stored?.label,
  }
}

/** The limit that was sent, with 0 for none; or the stored one. Kinds without that field have none. */
function bandwidthFromWire(wire: FileDestinationRequest, stored: FileDestination | undefined): number | undefined {
  const kind = stores.kindOfWireType(wire.type)
  if (!('bandwidthLimitBytesPerSecond' in (kind?.legacy.requestSchema.shape ?? {}))) return undefined
  const sent = 'bandwidthLimitBytesPerSecond' in wire ? wire.bandwidthLimitBytesPerSecond : undefined
  return sent === undefined ? stored?.bandwidthLimitBytesPerSecond : sent || undefined
}

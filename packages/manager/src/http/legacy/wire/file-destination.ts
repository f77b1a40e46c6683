import type { FileDestinationRequest, FileDestination as WireDestination } from '@osb-backup/protocol'
import { type StoreKind, type StoreSettings, stores } from '@osb-backup/storage'
import type { FileDestination } from '../../../destinations/destination.ts'
import type { ServiceInstance } from '../../../instances/instance.ts'
import { invariant } from '../../../shared/invariant.ts'
import { RequestError } from '../../../shared/request-error.ts'
import { instanceToWire } from './service-instance.ts'

const LIMIT = 'bandwidthLimitBytesPerSecond'

/**
 * A destination as clients read it, its secret masked.
 *
 * @param filenamePrefix - The prefix of a job's file names, where the destination is shown in a job.
 */
export function destinationToWire(
  destination: Omit<FileDestination, 'version' | 'createdAt'>,
  instance: ServiceInstance,
  filenamePrefix?: string,
): WireDestination {
  const { store } = destination
  const fields = {
    id: destination.id,
    idAsString: destination.id,
    serviceInstance: instanceToWire(instance),
    name: destination.name,
    ...(filenamePrefix === undefined ? {} : { filenamePrefix }),
  }
  const { legacy } = stores.kindOf(store)
  return { ...fields, ...legacy.encode(store), ...limitOf(destination, legacy) } as WireDestination
}

/** The limit, for kinds that have one in this API. */
function limitOf(
  { bandwidthLimitBytesPerSecond }: Pick<FileDestination, 'bandwidthLimitBytesPerSecond'>,
  { requestSchema }: Pick<StoreKind['legacy'], 'requestSchema'>,
) {
  return LIMIT in requestSchema.shape ? { bandwidthLimitBytesPerSecond } : {}
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
): Omit<FileDestination, 'id' | 'version' | 'createdAt'> {
  return {
    instanceId,
    name: wire.name,
    store: storeFromWire(wire, stored?.store),
    bandwidthLimitBytesPerSecond: bandwidthFromWire(wire, stored),
  }
}

function storeFromWire(wire: FileDestinationRequest, stored: StoreSettings | undefined): StoreSettings {
  const decoded = kindOf(wire).legacy.decode(wire, stored)
  if (decoded.ok) return decoded.value as StoreSettings
  const { field, problem } = decoded.error
  throw new RequestError('invalid', problem, { field })
}

/** The limit that was sent, with 0 for none; or the stored one. */
function bandwidthFromWire(wire: FileDestinationRequest, stored: FileDestination | undefined): number | undefined {
  if (!(LIMIT in kindOf(wire).legacy.requestSchema.shape)) return undefined
  const sent = LIMIT in wire ? wire.bandwidthLimitBytesPerSecond : undefined
  return sent === undefined ? stored?.bandwidthLimitBytesPerSecond : sent || undefined
}

function kindOf({ type }: FileDestinationRequest): StoreKind {
  const kind = stores.kindOfWireType(type)
  invariant(kind, `"${type}" is a type of file destination`)
  return kind
}

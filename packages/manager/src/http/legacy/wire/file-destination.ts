import {
  type FileDestinationRequest,
  MASKED_SECRET,
  type FileDestination as WireDestination,
} from '@osb-backup/protocol'
import type { StoreSettings, TlsSettings } from '@osb-backup/storage'
import type { FileDestination } from '../../../destinations/destination.ts'
import type { ServiceInstance } from '../../../instances/instance.ts'
import { RequestError } from '../../../shared/request-error.ts'
import { keptSecret } from './secret.ts'
import { instanceToWire } from './service-instance.ts'

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
  switch (store.type) {
    case 's3':
      return {
        type: 'S3',
        ...fields,
        authKey: store.accessKeyId,
        authSecret: MASKED_SECRET,
        endpoint: store.endpoint ?? '',
        region: store.region ?? '',
        bucket: store.bucket,
        skipSSL: store.plainHttp ?? false,
        pathStyle: store.pathStyle,
        ...transferToWire(destination, store.tls),
      }
    case 'swift':
      return {
        type: 'SWIFT',
        ...fields,
        username: store.username,
        password: MASKED_SECRET,
        authUrl: store.authUrl,
        domain: store.domain,
        container_name: store.container,
        project_name: store.projectName,
        ...transferToWire(destination, store.tls),
      }
    case 'file':
      return { type: 'FILE', ...fields, directory: store.directory }
  }
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
  switch (wire.type) {
    case 'S3':
      return {
        type: 's3',
        endpoint: wire.endpoint ?? '',
        region: wire.region ?? '',
        bucket: wire.bucket,
        accessKeyId: wire.authKey,
        secretAccessKey: required(
          'authSecret',
          keptSecret(wire.authSecret, stored?.type === 's3' ? stored.secretAccessKey : undefined),
        ),
        plainHttp: wire.skipSSL ?? false,
        ...pathStyleFromWire(wire.pathStyle, stored),
        ...tlsFromWire(wire, stored),
      }
    case 'SWIFT': {
      const { tls } = tlsFromWire(wire, stored)
      return {
        type: 'swift',
        authUrl: wire.authUrl,
        domain: wire.domain,
        projectName: wire.project_name,
        username: wire.username,
        password: required('password', keptSecret(wire.password, passwordFor(wire.authUrl, tls, stored))),
        container: wire.container_name,
        ...(tls && { tls }),
      }
    }
    case 'FILE':
      return { type: 'file', directory: wire.directory }
  }
}

/**
 * The stored password of Swift, if it may be kept: it is sent only where it was sent before. Another authUrl could be anybody's,
 * and so could a proxy, once more certificates are trusted.
 */
function passwordFor(
  authUrl: string,
  tls: TlsSettings | undefined,
  stored: StoreSettings | undefined,
): string | undefined {
  if (stored?.type !== 'swift' || stored.authUrl !== authUrl) return undefined
  const trustsMore = (tls?.insecure && !stored.tls?.insecure) || (tls?.ca !== undefined && tls.ca !== stored.tls?.ca)
  return trustsMore ? undefined : stored.password
}

function transferToWire(
  { bandwidthLimitBytesPerSecond }: Pick<FileDestination, 'bandwidthLimitBytesPerSecond'>,
  tls: TlsSettings | undefined,
) {
  return { caCertificate: tls?.ca, insecureTls: tls?.insecure, bandwidthLimitBytesPerSecond }
}

/** The limit that was sent, with 0 for none; or the stored one. */
function bandwidthFromWire(wire: FileDestinationRequest, stored: FileDestination | undefined): number | undefined {
  const sent = wire.type === 'FILE' ? 0 : wire.bandwidthLimitBytesPerSecond
  return sent === undefined ? stored?.bandwidthLimitBytesPerSecond : sent || undefined
}

function pathStyleFromWire(sent: boolean | undefined, stored: StoreSettings | undefined): { pathStyle?: boolean } {
  const pathStyle = sent ?? (stored?.type === 's3' ? stored.pathStyle : undefined)
  return pathStyle === undefined ? {} : { pathStyle }
}

function tlsFromWire(
  { caCertificate, insecureTls }: { caCertificate?: string | undefined; insecureTls?: boolean | undefined },
  stored: StoreSettings | undefined,
): { tls?: TlsSettings } {
  const before = stored === undefined || stored.type === 'file' ? undefined : stored.tls
  const ca = (caCertificate ?? before?.ca) || undefined
  const insecure = insecureTls ?? before?.insecure ?? false
  if (ca === undefined && !insecure) return {}
  return { tls: { ...(ca === undefined ? {} : { ca }), ...(insecure ? { insecure } : {}) } }
}

function required(field: string, secret: string | undefined): string {
  if (secret === undefined) throw new RequestError('invalid', `${field} is required.`, { field })
  return secret
}

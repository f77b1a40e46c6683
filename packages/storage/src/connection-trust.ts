import { getCACertificates } from 'node:tls'
import type { TlsSettings } from './store-settings.ts'

/** What Node's TLS is told about certificates; nothing where the settings say nothing. */
export function trustOf(tls: TlsSettings | undefined): { ca?: string[]; rejectUnauthorized?: boolean } {
  return {
    // A list replaces Node's own, so that is in it too.
    ...(tls?.ca && { ca: [...getCACertificates('default'), tls.ca] }),
    ...(tls?.insecure && { rejectUnauthorized: false }),
  }
}

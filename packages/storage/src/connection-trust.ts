import { getCACertificates } from 'node:tls'
import type { StoreOptions } from './store-options.ts'
import type { TlsSettings } from './tls-settings.ts'

/** The options for Node's TLS; none where neither settings nor options say anything. */
export function trustOf(
  tls: TlsSettings | undefined,
  { trustedCa }: Pick<StoreOptions, 'trustedCa'>,
): { ca?: string[]; rejectUnauthorized?: boolean } {
  const added = [trustedCa, tls?.ca].filter((pem): pem is string => Boolean(pem))
  return {
    // A list replaces Node's own, so that is in it too.
    ...(added.length > 0 && { ca: [...getCACertificates('default'), ...added] }),
    ...(tls?.insecure && { rejectUnauthorized: false }),
  }
}

import { z } from 'zod'

/** How the certificates of https are judged. */
export const tlsSettingsSchema = z.object({
  /** Certificates (PEM) that are trusted in addition to those of the system. */
  ca: z.string().optional(),
  /** Accepts any certificate: an attacker in the network path can read and change everything. */
  insecure: z.boolean().optional(),
})
export type TlsSettings = z.infer<typeof tlsSettingsSchema>

/** The certificates (PEM) that a store is to be trusted by in addition to those of the system, whatever its kind. */
export function trustedCertificates(settings: object): string | undefined {
  return 'tls' in settings ? tlsSettingsSchema.safeParse(settings.tls).data?.ca : undefined
}

/** TLS settings as agent requests spell them. */
export interface AgentTls {
  ca_certificate?: string | undefined
  insecure_tls?: boolean | undefined
}

/** TLS settings as the REST API spells them. */
export interface ApiTls {
  caCertificate?: string | undefined
  insecureTls?: boolean | undefined
}

/** Decodes the TLS fields of an agent request; nothing where the request has none. */
export function decodeAgentTls({ ca_certificate: ca, insecure_tls: insecure }: AgentTls): { tls?: TlsSettings } {
  return ca === undefined && insecure === undefined ? {} : { tls: { ca, insecure } }
}

/** Encodes TLS settings for an agent request. */
export function encodeAgentTls({ ca, insecure }: TlsSettings = {}): AgentTls {
  return {
    ...(ca === undefined ? {} : { ca_certificate: ca }),
    ...(insecure === undefined ? {} : { insecure_tls: insecure }),
  }
}

/**
 * Decodes the TLS fields of the REST API.
 *
 * @param stored - What counts for a field that is absent. An empty certificate or `false` removes the setting.
 */
export function decodeApiTls({ caCertificate, insecureTls }: ApiTls, stored: TlsSettings = {}): { tls?: TlsSettings } {
  const ca = (caCertificate ?? stored.ca) || undefined
  const insecure = insecureTls ?? stored.insecure ?? false
  if (ca === undefined && !insecure) return {}
  return { tls: { ...(ca === undefined ? {} : { ca }), ...(insecure ? { insecure } : {}) } }
}

/** Encodes TLS settings for the REST API. */
export function encodeApiTls({ ca, insecure }: TlsSettings = {}): ApiTls {
  return {
    ...(ca === undefined ? {} : { caCertificate: ca }),
    ...(insecure === undefined ? {} : { insecureTls: insecure }),
  }
}

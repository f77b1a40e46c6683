import type { Logger } from 'pino'
import type { ManagerSettings } from '../settings/settings.ts'
import { TlsConnections } from '../shared/tls-connections.ts'

/**
 * Opens the connections to agents: which certificates of theirs are trusted, and which one the manager presents.
 *
 * @throws {SettingsError} If the certificates cannot be used.
 */
export function openAgentConnections(settings: ManagerSettings, log: Logger): Promise<TlsConnections> {
  const { agentCaFile, agentCertificateFile, agentKeyFile } = settings
  const file = (setting: string, path: string | undefined) => (path === undefined ? undefined : { setting, path })
  const paths = {
    ca: file('AGENT_CA_FILE', agentCaFile),
    cert: file('AGENT_CERTIFICATE_FILE', agentCertificateFile),
    key: file('AGENT_KEY_FILE', agentKeyFile),
  }
  return TlsConnections.open(paths, 'agents', log)
}

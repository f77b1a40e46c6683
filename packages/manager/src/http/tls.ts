import type { Server, ServerOptions } from 'node:https'
import {
  followTlsFiles,
  isLoopbackHost,
  loadTlsFiles,
  SettingsError,
  type TlsFilePaths,
  type TlsFiles,
} from '@osb-backup/node'
import type { Logger } from 'pino'
import type { ManagerSettings } from '../settings/settings.ts'
import type { App } from './typed-app.ts'

const HANDSHAKE_TIMEOUT_MS = 10_000

/** The certificate that the manager serves, and where it came from. */
export interface ServedTls {
  paths: TlsFilePaths
  files: TlsFiles
}

/**
 * Reads the certificate; undefined if none is set.
 *
 * @throws {SettingsError} If it cannot be used.
 */
export async function openTls({ tlsCertificateFile, tlsKeyFile }: ManagerSettings): Promise<ServedTls | undefined> {
  if (tlsCertificateFile === undefined || tlsKeyFile === undefined) return undefined
  const paths = {
    cert: { setting: 'TLS_CERTIFICATE_FILE', path: tlsCertificateFile },
    key: { setting: 'TLS_KEY_FILE', path: tlsKeyFile },
  }
  return { paths, files: await loadTlsFiles(paths) }
}

/** How HTTPS is served. */
export const tlsOptions = (files: TlsFiles): ServerOptions => ({
  ...files,
  minVersion: 'TLSv1.2',
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
})

/** Serves a renewed certificate to new connections; those that exist stay. @returns A function that stops it. */
export function followCertificate(app: App, { paths, files }: ServedTls, log: Logger): () => Promise<void> {
  return followTlsFiles(paths, files, {
    apply(renewed) {
      const server = app.server as unknown as Server
      server.setSecureContext(tlsOptions(renewed))
      log.info('the certificate was renewed')
    },
    reject: (problem) => log.error({ err: problem }, 'the new certificate is not used, the old one stays'),
  })
}

/**
 * Refuses to send tokens over the network in plain text, or warns of it.
 *
 * @throws {SettingsError} If the settings forbid plain HTTP.
 */
export function checkPlainHttp(settings: ManagerSettings, log: Pick<Logger, 'warn'>): void {
  const { host, tlsCertificateFile, plainHttp } = settings
  if (tlsCertificateFile !== undefined || isLoopbackHost(host)) return
  const problem = `without TLS, tokens and passwords cross the network in plain text to HOST ${host}`
  const advice = 'set TLS_CERTIFICATE_FILE and TLS_KEY_FILE'
  if (plainHttp === 'forbid') throw new SettingsError(`PLAIN_HTTP is forbidden: ${problem}; ${advice}.`)
  log.warn({ host }, `${problem}: ${advice}`)
}

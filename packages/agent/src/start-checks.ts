import { stat } from 'node:fs/promises'
import { isLoopbackHost, loadTlsFiles, SettingsError, type TlsFilePaths } from '@osb-backup/node'
import type { Logger } from 'pino'
import { readPack } from './scripts/script-pack.ts'
import type { AgentSettings } from './settings/agent-settings.ts'

/** The files of the agent's TLS; undefined if it speaks plain HTTP. */
export function tlsFilePaths(tls: AgentSettings['tls']): TlsFilePaths | undefined {
  if (tls === undefined) return undefined
  const { certificateFile, keyFile, clientCaFile } = tls
  return {
    cert: { setting: 'tls_certificate_file', path: certificateFile },
    key: { setting: 'tls_key_file', path: keyFile },
    ...(clientCaFile === undefined ? {} : { ca: { setting: 'tls_client_ca_file', path: clientCaFile } }),
  }
}

/**
 * Refuses to send passwords over the network in plain text, or warns of it.
 *
 * @throws {SettingsError} If the settings forbid plain HTTP.
 */
export function checkPlainHttp({ tls, host, plainHttp }: AgentSettings, log: Pick<Logger, 'warn'>): void {
  if (tls !== undefined || isLoopbackHost(host)) return
  const problem = `without TLS, passwords and keys cross the network in plain text to client_host ${host}`
  const advice = 'set tls_certificate_file and tls_key_file'
  if (plainHttp === 'forbid') throw new SettingsError(`plain_http is forbidden: ${problem}; ${advice}.`)
  log.warn({ host }, `${problem}: ${advice}`)
}

/**
 * Reads the CAs that are trusted when stores are reached.
 *
 * @throws {SettingsError} If the file contains none.
 */
export async function readCaFile(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  return (await loadTlsFiles({ ca: { setting: 'store_ca_file', path } })).ca?.toString()
}

/**
 * Checks the scripts. A default path without any does not prevent the start: they may be installed later.
 *
 * @returns Their form.
 * @throws {SettingsError} For an invalid pack, and for a path that was set but does not exist.
 */
export async function checkScripts(settings: AgentSettings, log: Logger): Promise<1 | 2> {
  const { scriptsPath, mustHaveScripts } = settings
  const found = await stat(scriptsPath).catch(() => undefined)
  if (!found?.isDirectory()) {
    if (mustHaveScripts) throw new SettingsError(`scripts_path is not a directory: ${scriptsPath}.`)
    log.warn({ scripts_path: scriptsPath }, 'no scripts are installed yet')
    return 1
  }
  const pack = await readPack(scriptsPath)
  if (!pack.ok) throw new SettingsError(`scripts_path holds an invalid pack: ${pack.error}.`)
  return pack.value.form
}

import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { errorMessage, SettingsError } from '@osb-backup/node'
import type { Logger } from 'pino'
import { certificatesProblem } from './certificates.ts'
import { readPack } from './scripts/script-pack.ts'
import type { AgentSettings } from './settings/agent-settings.ts'

/** The PEM files of a TLS server. With a CA, callers must present a certificate of it. */
export interface TlsFiles {
  cert: Buffer
  key: Buffer
  ca?: Buffer
}

/**
 * Reads the files for TLS and checks that they can be used together.
 *
 * @throws {SettingsError} If they cannot.
 */
export async function readTlsFiles(tls: AgentSettings['tls']): Promise<TlsFiles | undefined> {
  if (tls === undefined) return undefined
  const { certificateFile, keyFile, clientCaFile } = tls
  const files: TlsFiles = {
    cert: await readSettingsFile('tls_certificate_file', certificateFile),
    key: await readSettingsFile('tls_key_file', keyFile),
    ...(clientCaFile === undefined ? {} : { ca: await readSettingsFile('tls_client_ca_file', clientCaFile) }),
  }
  if (files.ca !== undefined) requireCertificates('tls_client_ca_file', files.ca.toString())
  try {
    createSecureContext(files)
  } catch (error) {
    throw new SettingsError(
      `tls_certificate_file, tls_key_file and tls_client_ca_file do not work: ${errorMessage(error)}.`,
    )
  }
  return files
}

/**
 * Reads the CAs that are trusted when stores are reached.
 *
 * @throws {SettingsError} If the file contains none.
 */
export async function readCaFile(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  const ca = (await readSettingsFile('store_ca_file', path)).toString()
  requireCertificates('store_ca_file', ca)
  return ca
}

function requireCertificates(setting: string, pem: string): void {
  const problem = certificatesProblem(pem)
  if (problem !== undefined) throw new SettingsError(`${setting} must hold certificates in PEM: ${problem}.`)
}

async function readSettingsFile(setting: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new SettingsError(`${setting} cannot be read: ${errorMessage(error)}.`)
  }
}

/**
 * Checks the scripts. A default path without any does not prevent the start: they may be installed later.
 *
 * @throws {SettingsError} For an invalid pack, and for a path that was set but does not exist.
 */
export async function checkScripts(settings: AgentSettings, log: Logger): Promise<void> {
  const { scriptsPath, mustHaveScripts } = settings
  const found = await stat(scriptsPath).catch(() => undefined)
  if (!found?.isDirectory()) {
    if (mustHaveScripts) throw new SettingsError(`scripts_path is not a directory: ${scriptsPath}.`)
    log.warn({ scripts_path: scriptsPath }, 'no scripts are installed yet')
    return
  }
  const pack = await readPack(scriptsPath)
  if (!pack.ok) throw new SettingsError(`scripts_path holds an invalid pack: ${pack.error}.`)
}

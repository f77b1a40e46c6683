import { stat } from 'node:fs/promises'
import { errorMessage, isLoopbackHost, loadTlsFiles, SettingsError, type TlsFilePaths } from '@osb-backup/node'
import type { Logger } from 'pino'
import { openForScripts, openJobDirectories } from './directory-checks.ts'
import { findScriptAccount } from './scripts/script-account.ts'
import { describePacks, readPack } from './scripts/script-pack.ts'
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
export function checkPlainHttp({ tls, enrolment, host, plainHttp }: AgentSettings, log: Pick<Logger, 'warn'>): void {
  if (tls !== undefined || enrolment !== undefined || isLoopbackHost(host)) return
  const problem = `without TLS, passwords and keys cross the network in plain text to client_host ${host}`
  const advice = 'set tls_certificate_file and tls_key_file, or enrol the agent'
  if (plainHttp === 'forbid') throw new SettingsError(`plain_http is forbidden: ${problem}; ${advice}.`)
  log.warn({ host }, `${problem}: ${advice}`)
}

/**
 * Reads the CAs that are trusted in addition to those of the system.
 *
 * @param setting - The setting that names the file.
 * @throws {SettingsError} If the file contains none.
 */
export async function readCaFile(setting: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  return (await loadTlsFiles({ ca: { setting, path } })).ca?.toString()
}

/**
 * Checks the scripts. A default path without any does not prevent the start: they may be installed later.
 *
 * @returns Their form.
 * @throws {SettingsError} For an invalid pack, and for a path that was set but does not exist.
 */
async function checkScripts(settings: AgentSettings, log: Logger): Promise<1 | 2> {
  const { scriptsPath, packsPath, mustHaveScripts } = settings
  if (packsPath !== undefined) await checkPacks(settings, packsPath, log)
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

/** An invalid pack among others is reported and does not keep the others from working. */
async function checkPacks(settings: AgentSettings, packsPath: string, log: Logger): Promise<void> {
  const found = await stat(packsPath).catch(() => undefined)
  if (!found?.isDirectory()) throw new SettingsError(`packs_path is not a directory: ${packsPath}.`)
  for (const { name, problem } of await describePacks(settings)) {
    if (problem !== undefined) log.error({ pack: name, err: problem }, 'a script pack cannot be used')
  }
}

/** What the checks of a start found. */
export interface CheckedStart {
  /** With the account of the scripts. */
  settings: AgentSettings
  /** The CAs that are trusted when stores are reached. */
  ca?: string
  /** The checks that failed, if the agent has to start all the same. */
  problem?: string
}

/**
 * Checks everything that a start needs, except for the state directory, and where the agent listens.
 *
 * @param hasToFinish - Jobs of before have to be finished: a database may be locked. Then a failed check is only reported.
 * @throws {SettingsError} If a check fails.
 */
export async function checkStart(
  configured: AgentSettings,
  log: Logger,
  { hasToFinish }: { hasToFinish: boolean },
): Promise<CheckedStart> {
  const problems: string[] = []
  const check = async <T>(run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await run()
    } catch (error) {
      if (!hasToFinish) throw error
      problems.push(errorMessage(error))
      return undefined
    }
  }
  const { scriptUser, stateDirectory } = configured
  const found = scriptUser === undefined ? {} : await findScriptAccount(scriptUser, stateDirectory)
  const { problem } = found
  if (problem !== undefined) {
    await check(async () => {
      throw new SettingsError(problem)
    })
  }
  const settings = withAccount(configured, found.account)
  await check(() => openJobDirectories(settings))
  await check(async () => openForScripts(settings, await checkScripts(settings, log)))
  const ca = await check(() => readCaFile('store_ca_file', settings.transfers.caFile))
  return {
    settings,
    ...(ca === undefined ? {} : { ca }),
    ...(problems.length === 0 ? {} : { problem: problems.join(' ') }),
  }
}

function withAccount(settings: AgentSettings, scriptAccount: AgentSettings['scriptAccount']): AgentSettings {
  if (scriptAccount === undefined) return settings
  return { ...settings, scriptAccount, scriptBase: { ...settings.scriptBase, HOME: scriptAccount.home } }
}

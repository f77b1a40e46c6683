import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import { errorMessage } from './errors.ts'
import { SettingsError } from './settings/parse-settings.ts'

/** How often files are compared with what was loaded. Watching them would miss the way that orchestrators exchange them. */
const CHECK_INTERVAL_MS = 5000

/** A file that a setting names. */
export interface SettingFile {
  setting: string
  path: string
}

/** The PEM files of one end of a TLS connection. */
export interface TlsFilePaths {
  /** The certificate with its chain. */
  cert?: SettingFile | undefined
  key?: SettingFile | undefined
  /** The CAs that the other end's certificate must be signed by. */
  ca?: SettingFile | undefined
}

/** The content of these files. */
export interface TlsFiles {
  cert?: Buffer
  key?: Buffer
  ca?: Buffer
}

/** When each of the certificates in a text in PEM expires; those that cannot be read are left out. */
export function certificateExpiries(pem: string): Date[] {
  const blocks = pem.match(CERTIFICATE) ?? []
  return blocks.flatMap((block) => {
    try {
      return [new Date(new X509Certificate(block).validTo)]
    } catch {
      return []
    }
  })
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/** Why a text is not a list of certificates in PEM; undefined if it is. Node's TLS ignores what it cannot read. */
export function certificatesProblem(pem: string): string | undefined {
  const blocks = pem.match(CERTIFICATE)
  if (blocks === null) return 'there is none in it'
  try {
    for (const block of blocks) new X509Certificate(block)
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}

/**
 * Reads the files of a TLS connection and checks that they can be used together.
 *
 * @throws {SettingsError} If they cannot.
 */
export async function loadTlsFiles(paths: TlsFilePaths): Promise<TlsFiles> {
  const files: TlsFiles = {}
  for (const name of ['cert', 'key', 'ca'] as const) {
    const file = paths[name]
    if (file === undefined) continue
    const content = await readSettingFile(file)
    const problem = name === 'key' ? undefined : certificatesProblem(content.toString())
    if (problem !== undefined) throw new SettingsError(`${file.setting} must hold certificates in PEM: ${problem}.`)
    files[name] = content
  }
  try {
    createSecureContext(files)
  } catch (error) {
    throw new SettingsError(`${settingNames(paths)} do not work: ${errorMessage(error)}.`)
  }
  return files
}

async function readSettingFile({ setting, path }: SettingFile): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new SettingsError(`${setting} cannot be read: ${errorMessage(error)}.`)
  }
}

function settingNames({ cert, key, ca }: TlsFilePaths): string {
  const names = [cert, key, ca].flatMap((file) => (file === undefined ? [] : [file.setting]))
  return [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' and ')
}

/** What happens when TLS files change. */
export interface TlsChanges {
  /** Uses the new files from now on; connections that exist stay. */
  apply(files: TlsFiles): void
  /** The new files cannot be used, so the old ones stay in use. Called once for each change. */
  reject(problem: string): void
}

/**
 * Follows TLS files, so that certificates are renewed without a restart.
 *
 * @param loaded - What is in use.
 * @returns A function that stops it.
 */
export function followTlsFiles(paths: TlsFilePaths, loaded: TlsFiles, changes: TlsChanges): () => Promise<void> {
  const stopping = new AbortController()
  let current = fingerprintOf(loaded)
  let rejected = ''
  const check = async () => {
    try {
      const files = await loadTlsFiles(paths)
      const found = fingerprintOf(files)
      if (found === current) return
      const problem = expiryProblem(files)
      if (problem !== undefined) throw new SettingsError(problem)
      changes.apply(files)
      current = found
      rejected = ''
    } catch (error) {
      const problem = errorMessage(error)
      if (problem !== rejected) changes.reject(problem)
      rejected = problem
    }
  }
  const following = (async () => {
    while (!stopping.signal.aborted) {
      await sleep(CHECK_INTERVAL_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
      if (!stopping.signal.aborted) await check()
    }
  })()
  return async () => {
    stopping.abort()
    await following
  }
}

function expiryProblem({ cert }: TlsFiles): string | undefined {
  if (cert === undefined) return undefined
  const { validToDate } = new X509Certificate(cert)
  return validToDate.getTime() < Date.now() ? `The certificate expired at ${validToDate.toISOString()}.` : undefined
}

const fingerprintOf = ({ cert, key, ca }: TlsFiles): string =>
  JSON.stringify([cert, key, ca].map((content) => content?.toString('base64')))

/** Whether only this machine reaches what listens on a host. */
export function isLoopbackHost(host: string): boolean {
  const plain = host.toLowerCase().replace(/^\[|\]$/g, '')
  return plain === 'localhost' || plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

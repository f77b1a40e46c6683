import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFileAtomically, SettingsError, writeFileAtomically } from '@osb-backup/node'
import type { ManagerSettings } from '../settings/settings.ts'
import type { SecretKeys } from './sealing.ts'

type KeySettings = Pick<
  ManagerSettings,
  'dataDirectory' | 'secretKey' | 'secretKeyFile' | 'secretKeyCommand' | 'otherSecretKey'
>

/** How long a command may take, and how much it may print. */
const COMMAND_TIMEOUT_MS = 30_000
const MAX_PRINTED_BYTES = 10_000

/** The file of the key that seals, where none is set. */
const CURRENT = 'secret.key'
/** The file of the previous key. Its secrets were resealed; it opens what a running manager sealed meanwhile. */
const PREVIOUS = 'secret.key.previous'

/**
 * Creates the key of a new manager: unless one is set, `DATA_DIR/secret.key`. Losing it loses every stored credential, not the
 * backups.
 *
 * @returns The file, if this call created it.
 */
export async function ensureSecretKey(settings: KeySettings): Promise<string | undefined> {
  if (isKeySet(settings)) return undefined
  const path = join(settings.dataDirectory, CURRENT)
  if (readKey(path) !== undefined) return undefined
  return (await createFileAtomically(path, newKeyLine())) ? path : undefined
}

/** Whether the key comes from the settings, and not from `DATA_DIR/secret.key`. */
export function isKeySet({ secretKey, secretKeyFile, secretKeyCommand }: KeySettings): boolean {
  return [secretKey, secretKeyFile, secretKeyCommand].some((setting) => setting !== undefined)
}

/** What commands printed: they may ask a remote service, and keys are read often. */
const printed = new Map<string, Buffer>()

/** The key that a command prints; it is run once. @throws {SettingsError} Without what it printed. */
function keyOfCommand(command: string): Buffer {
  const known = printed.get(command)
  if (known !== undefined) return known
  const { status, signal, stdout } = spawnSync('/bin/sh', ['-c', command], {
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: MAX_PRINTED_BYTES,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (status !== 0) throw new SettingsError(`SECRET_KEY_COMMAND failed (${signal ?? `status ${status}`}).`)
  const key = parseKey(stdout)
  if (key === undefined) throw new SettingsError('SECRET_KEY_COMMAND did not print 64 hex digits.')
  printed.set(command, key)
  return key
}

/** The key from the settings; undefined: it is in `DATA_DIR`. */
function readSetKey({ secretKey, secretKeyFile, secretKeyCommand }: KeySettings): Buffer | undefined {
  if (secretKey !== undefined) return Buffer.from(secretKey, 'hex')
  if (secretKeyCommand !== undefined) return keyOfCommand(secretKeyCommand)
  if (secretKeyFile === undefined) return undefined
  const key = readKey(secretKeyFile)
  if (key === undefined) throw new SettingsError(`SECRET_KEY_FILE (${secretKeyFile}) does not exist.`)
  return key
}

/**
 * Reads the keys as they are now.
 *
 * @throws {SettingsError} If there is none, or a file holds none.
 */
export function readSecretKeys(settings: KeySettings): SecretKeys {
  const { dataDirectory, otherSecretKey } = settings
  const other = otherSecretKey === undefined ? [] : [Buffer.from(otherSecretKey, 'hex')]
  const set = readSetKey(settings)
  if (set !== undefined) return { current: set, others: other }
  const current = readKey(join(dataDirectory, CURRENT))
  if (current === undefined) throw new SettingsError(`DATA_DIR (${dataDirectory}) holds no ${CURRENT}.`)
  const previous = readKey(join(dataDirectory, PREVIOUS))
  return { current, others: previous === undefined ? other : [previous, ...other] }
}

/**
 * Replaces the key in `DATA_DIR/secret.key` by a new one; it becomes the previous one. Even if this is interrupted, both
 * files together open what either key sealed. What an earlier key sealed is lost: to be called only when everything is
 * sealed under the current one.
 */
export async function exchangeKeyFile(dataDirectory: string): Promise<{ path: string; previousPath: string }> {
  const [path, previousPath] = [join(dataDirectory, CURRENT), join(dataDirectory, PREVIOUS)]
  await writeFileAtomically(previousPath, readFileSync(path, 'utf8'))
  await writeFileAtomically(path, newKeyLine())
  return { path, previousPath }
}

function newKeyLine(): string {
  return `${randomBytes(32).toString('hex')}\n`
}

function readKey(path: string): Buffer | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new SettingsError(`${path} cannot be read (${code}).`, { cause: error })
  }
  const key = parseKey(text)
  if (key === undefined) throw new SettingsError(`${path} does not hold 64 hex digits.`)
  return key
}

function parseKey(text: string): Buffer | undefined {
  return /^[0-9a-f]{64}\s*$/i.test(text) ? Buffer.from(text.trim(), 'hex') : undefined
}

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFileAtomically, SettingsError, writeFileAtomically } from '@osb-backup/node'
import type { ManagerSettings } from '../settings/settings.ts'
import type { SecretKeys } from './sealing.ts'

type KeySettings = Pick<ManagerSettings, 'dataDirectory' | 'secretKey' | 'otherSecretKey'>

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
export async function ensureSecretKey({ dataDirectory, secretKey }: KeySettings): Promise<string | undefined> {
  const path = join(dataDirectory, CURRENT)
  if (secretKey !== undefined || readKey(path) !== undefined) return undefined
  return (await createFileAtomically(path, newKeyLine())) ? path : undefined
}

/**
 * Reads the keys as they are now.
 *
 * @throws {SettingsError} If there is none, or a file holds none.
 */
export function readSecretKeys({ dataDirectory, secretKey, otherSecretKey }: KeySettings): SecretKeys {
  const other = otherSecretKey === undefined ? [] : [Buffer.from(otherSecretKey, 'hex')]
  if (secretKey !== undefined) return { current: Buffer.from(secretKey, 'hex'), others: other }
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
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) throw new SettingsError(`${path} does not hold 64 hex digits.`)
  return Buffer.from(text.trim(), 'hex')
}

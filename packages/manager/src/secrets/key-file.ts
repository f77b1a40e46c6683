import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SettingError } from '../setting-error.ts'
import { createOwnFile } from './own-file.ts'

/**
 * The key that seals secrets: the one that was set, else the one in `DATA_DIR/secret.key`, made on first run.
 * Losing it loses every stored credential, not the backups.
 *
 * @returns The key, and the file if this call made it.
 */
export async function loadSecretKey(
  dataDirectory: string,
  setting: string | undefined,
): Promise<{ key: Buffer; madeAt?: string }> {
  if (setting !== undefined) return { key: Buffer.from(setting, 'hex') }
  const path = join(dataDirectory, 'secret.key')
  const found = await readKey(path)
  if (found !== undefined) return { key: found }
  const key = randomBytes(32)
  if (await createOwnFile(path, `${key.toString('hex')}\n`)) return { key, madeAt: path }
  return loadSecretKey(dataDirectory, setting)
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new SettingError(`DATA_DIR holds a secret.key that cannot be read (${error.code}).`, { cause: error })
  })
  if (text === undefined) return undefined
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) throw new SettingError('DATA_DIR holds a secret.key that is not 64 hex digits.')
  return Buffer.from(text.trim(), 'hex')
}

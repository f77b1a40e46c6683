import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, Buffer>(scrypt)
const KEY_BYTES = 32

/**
 * Passwords are chosen by people, so they are stored as scrypt hashes, which are slow on purpose: `salt.hash.filter`.
 *
 * The filter is one byte of a keyed digest. It lets 255 of 256 wrong passwords be refused without the slow hash, so that
 * guessing costs the manager nothing, and a caller who knows the password need not wait behind those who do not. Without the key, which
 * is sealed, it says nothing about the password.
 */
export async function hashPassword(password: string, filterKey: Buffer): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, KEY_BYTES)
  return [salt, hash, filterOf(password, filterKey)].map((part) => part.toString('hex')).join('.')
}

/**
 * Whether a password may be the right one, at the cost of a digest.
 *
 * @param stored - Undefined: there is no such account. It passes as often as one that there is. Without a filter, whose key was lost,
 *   every password passes.
 */
export function mayBePassword(name: string, password: string, stored: string | undefined, filterKey: Buffer): boolean {
  const expected = stored === undefined ? filterOf(`no account ${name}`, filterKey) : partsOf(stored).filter
  return expected.length === 0 || filterOf(password, filterKey).equals(expected)
}

/** Whether a password is the right one, at the cost of a slow hash; also where there is no account. */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const { salt, hash } =
    stored === undefined ? { salt: Buffer.alloc(16), hash: Buffer.alloc(KEY_BYTES) } : partsOf(stored)
  const isSame = timingSafeEqual(await derive(password, salt, KEY_BYTES), hash)
  return isSame && stored !== undefined
}

function filterOf(text: string, filterKey: Buffer): Buffer {
  return createHmac('sha256', filterKey).update(text).digest().subarray(0, 1)
}

function partsOf(stored: string) {
  const [salt = '', hash = '', filter = ''] = stored.split('.')
  return { salt: Buffer.from(salt, 'hex'), hash: Buffer.from(hash, 'hex'), filter: Buffer.from(filter, 'hex') }
}

import { randomBytes } from 'node:crypto'

/** How many characters an identifier has. */
export const IDENTIFIER_LENGTH = 24

/**
 * Generates an identifier of 24 hex digits, as existing clients know them: 4 bytes of seconds, so that rows created together
 * are stored together, and 8 random bytes, so that none can be guessed.
 */
export function newIdentifier(now: Date): string {
  const seconds = Math.trunc(now.getTime() / 1000)
  return seconds.toString(16).padStart(8, '0') + randomBytes(8).toString('hex')
}

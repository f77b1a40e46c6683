import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Creates a check of HTTP Basic credentials, which takes constant time.
 *
 * @returns A predicate for Authorization headers.
 */
export function basicAuth(username: string, password: string): (header: string | undefined) => boolean {
  // Digests under a random key have the same length and reveal nothing about their input.
  const key = randomBytes(32)
  const digest = (text: string) => createHmac('sha256', key).update(text).digest()
  const expected = digest(`${username}:${password}`)
  return (header) => {
    const encoded = /^basic +([A-Za-z0-9+/_=-]*) *$/i.exec(header ?? '')?.[1]
    const given = Buffer.from(encoded ?? '', 'base64').toString('utf8')
    return timingSafeEqual(digest(given), expected) && encoded !== undefined
  }
}

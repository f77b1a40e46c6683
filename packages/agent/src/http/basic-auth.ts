import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Makes a check for HTTP Basic credentials. It takes the same time whatever is wrong with them.
 *
 * @returns A function that takes an Authorization header and says whether it lets in.
 */
export function basicAuth(username: string, password: string): (header: string | undefined) => boolean {
  // Digests under a key that nobody knows have one length and tell nothing of what they were made of.
  const key = randomBytes(32)
  const digest = (text: string) => createHmac('sha256', key).update(text).digest()
  const expected = digest(`${username}:${password}`)
  return (header) => {
    const encoded = /^basic +([A-Za-z0-9+/_=-]*) *$/i.exec(header ?? '')?.[1]
    const given = Buffer.from(encoded ?? '', 'base64').toString('utf8')
    return timingSafeEqual(digest(given), expected) && encoded !== undefined
  }
}

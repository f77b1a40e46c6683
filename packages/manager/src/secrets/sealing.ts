import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const FORMAT = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A sealed text cannot be opened: another key sealed it, or it was changed. */
export class SealError extends Error {
  override readonly name = 'SealError'
}

/**
 * Seals secrets that stand in the database (AES-256-GCM, a fresh nonce each), so that a dump of it gives nothing
 * away. `purpose` is bound in: a text sealed for one place does not open in another.
 */
export class Sealer {
  readonly #key: Buffer

  /** @param key - 32 bytes, kept outside the database. */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new RangeError(`a sealing key has 32 bytes, not ${key.length}`)
    this.#key = key
  }

  seal(text: string, purpose: string): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(purpose))
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return `${FORMAT}.${sealed.toString('base64')}`
  }

  /** @throws {SealError} If the key or purpose is another, or the text was changed. */
  open(sealed: string, purpose: string): string {
    const [format, body] = sealed.split('.', 2)
    const bytes = Buffer.from(body ?? '', 'base64')
    if (format !== FORMAT || bytes.length < NONCE_BYTES + TAG_BYTES) throw new SealError('not a sealed text')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(-TAG_BYTES))
    try {
      const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
      return Buffer.concat([opened, decipher.final()]).toString('utf8')
    } catch (cause) {
      throw new SealError('sealed under another key, or changed', { cause })
    }
  }

  /** Seals an optional text; undefined and empty stay null, as they are nothing to keep. */
  sealOptional(text: string | undefined, purpose: string): string | null {
    return text ? this.seal(text, purpose) : null
  }

  openOptional(sealed: string | null, purpose: string): string | undefined {
    return sealed === null ? undefined : this.open(sealed, purpose)
  }
}

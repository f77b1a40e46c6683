import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const KEY_BYTES = 32
const FORMAT = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A sealed text cannot be opened: another key sealed it, or it was changed. */
export class SealError extends Error {
  override readonly name = 'SealError'
}

/** The keys of a manager, 32 bytes each and kept outside the database. */
export interface SecretKeys {
  /** Seals. */
  current: Buffer
  /** Open what was sealed before, while keys are exchanged. */
  others: readonly Buffer[]
}

/**
 * Seals secrets that are stored in the database (AES-256-GCM, a fresh nonce each), so that a dump of it reveals nothing. `purpose` is bound in: a text sealed for one place does not open in another.
 */
export class Sealer {
  #keys: SecretKeys
  readonly #readKeys: () => SecretKeys

  /**
   * @param readKeys - Called again before each sealing, and when something does not open: another process may have exchanged
   *   the keys. What it throws then is no reason to stop: the keys that are known still hold.
   */
  constructor(readKeys: () => SecretKeys) {
    this.#readKeys = readKeys
    this.#keys = validated(readKeys())
  }

  seal(text: string, purpose: string): string {
    this.#rereadKeys()
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#keys.current, nonce).setAAD(Buffer.from(purpose))
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return `${FORMAT}.${sealed.toString('base64')}`
  }

  /** @throws {SealError} If the key or purpose is another, or the text was changed. */
  open(sealed: string, purpose: string): string {
    try {
      return this.#openWithAny(sealed, purpose)
    } catch (error) {
      if (!(error instanceof SealError) || !this.#rereadKeys()) throw error
      return this.#openWithAny(sealed, purpose)
    }
  }

  /** Whether the key that seals now sealed a text. */
  isCurrent(sealed: string, purpose: string): boolean {
    this.#rereadKeys()
    return openWith(this.#keys.current, sealed, purpose) !== undefined
  }

  #openWithAny(sealed: string, purpose: string): string {
    for (const key of [this.#keys.current, ...this.#keys.others]) {
      const text = openWith(key, sealed, purpose)
      if (text !== undefined) return text
    }
    throw new SealError('sealed under another key, or changed')
  }

  /** Returns whether the keys could be read. */
  #rereadKeys(): boolean {
    try {
      this.#keys = validated(this.#readKeys())
      return true
    } catch {
      // The caller continues with the keys that are known, or reports what does not open with them.
      return false
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

function validated(keys: SecretKeys): SecretKeys {
  for (const { length } of [keys.current, ...keys.others]) {
    if (length !== KEY_BYTES) throw new RangeError(`a sealing key has ${KEY_BYTES} bytes, not ${length}`)
  }
  return keys
}

/** The text, if this key sealed it for this purpose. @throws {SealError} If it is no sealed text at all. */
function openWith(key: Buffer, sealed: string, purpose: string): string | undefined {
  const [format, body] = sealed.split('.', 2)
  const bytes = Buffer.from(body ?? '', 'base64')
  if (format !== FORMAT || bytes.length < NONCE_BYTES + TAG_BYTES) throw new SealError('not a sealed text')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(purpose))
    .setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([opened, decipher.final()]).toString('utf8')
  } catch {
    // The tag does not match: another key or purpose, or a changed text. They cannot be distinguished.
    return undefined
  }
}

import { createCipheriv, randomBytes } from 'node:crypto'
import { Transform } from 'node:stream'
import { Encrypter } from 'age-encryption'
import { releaseBuffer, transferOwnership } from '../buffer-ownership.ts'
import { CHUNK_BYTES, CIPHER_NAME, chunkNonce, NONCE_BYTES, payloadKey, TAG_BYTES } from './age-format.ts'
import { ContentError } from './content-error.ts'

/**
 * Creates a stream that encrypts to age recipients; `age -d` reads its output.
 *
 * @param recipients - At least one `age1…`.
 * @throws {ContentError} With code `invalid-key` if one is not a recipient.
 */
export async function ageEncryptor(recipients: readonly string[]): Promise<Transform> {
  const { header, fileKey } = await newHeader(recipients)
  const nonce = randomBytes(NONCE_BYTES)
  const key = payloadKey(fileKey, nonce)
  // Reused for each chunk: encryption reads it immediately.
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  let filled = 0
  let chunkNumber = 0

  const stream = new Transform({
    highWaterMark: CHUNK_BYTES,
    transform(bytes: Buffer, _encoding, callback) {
      for (let at = 0; at < bytes.length; ) {
        // A full chunk is held back until more data arrives, since the last one is sealed differently and must not be
        // empty.
        if (filled === CHUNK_BYTES) seal(false)
        const taken = bytes.copy(chunk, filled, at)
        filled += taken
        at += taken
      }
      releaseBuffer(bytes)
      callback()
    },
    flush(callback) {
      seal(true)
      callback()
    },
  })
  const seal = (isLast: boolean): void => {
    const cipher = createCipheriv(CIPHER_NAME, key, chunkNonce(chunkNumber++, isLast), { authTagLength: TAG_BYTES })
    stream.push(transferOwnership(cipher.update(chunk.subarray(0, filled))))
    cipher.final()
    stream.push(cipher.getAuthTag())
    filled = 0
  }
  stream.push(Buffer.concat([header, nonce]))
  return stream
}

/** Lets the library encrypt nothing, which yields a header for these recipients and the file key that it chose. */
async function newHeader(recipients: readonly string[]): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  const encrypter = new Encrypter()
  let fileKey: Uint8Array | undefined
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = Uint8Array.from(key)
      return []
    },
  })
  for (const [index, recipient] of recipients.entries()) {
    try {
      encrypter.addRecipient(recipient)
    } catch (cause) {
      // This may be a private key by mistake, so the value is not shown.
      throw new ContentError(
        'invalid-key',
        `Recipient ${index + 1} is not an age recipient (age1…); passphrases are not supported.`,
        { cause },
      )
    }
  }
  const empty = await encrypter.encrypt(new Uint8Array())
  if (recipients.length === 0 || fileKey === undefined) {
    throw new ContentError('invalid-key', 'No age recipient (age1…) is given to encrypt to.')
  }
  return { header: empty.subarray(0, empty.length - NONCE_BYTES - TAG_BYTES), fileKey }
}

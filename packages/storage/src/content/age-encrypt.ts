import { createCipheriv, randomBytes } from 'node:crypto'
import { Transform } from 'node:stream'
import { Encrypter } from 'age-encryption'
import { chunkBytes, chunkNonce, cipherName, nonceBytes, payloadKey, tagBytes } from './age-format.ts'
import { ContentError } from './content-error.ts'

/**
 * Makes the stream that encrypts to age recipients; `age -d` reads what comes out.
 *
 * @param recipients - At least one `age1…`.
 * @throws {ContentError} With code `invalid-key` if one is not a recipient.
 */
export async function ageEncryptor(recipients: readonly string[]): Promise<Transform> {
  const { header, fileKey } = await newHeader(recipients)
  const nonce = randomBytes(nonceBytes)
  const key = payloadKey(fileKey, nonce)
  let pending: Buffer = Buffer.alloc(0)
  let chunkNumber = 0

  const seal = (chunk: Buffer, isLast: boolean): Buffer[] => {
    const cipher = createCipheriv(cipherName, key, chunkNonce(chunkNumber++, isLast), { authTagLength: tagBytes })
    return [cipher.update(chunk), cipher.final(), cipher.getAuthTag()]
  }

  const stream = new Transform({
    highWaterMark: 4 * chunkBytes,
    transform(chunk: Buffer, _encoding, callback) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const sealed: Buffer[] = []
      let offset = 0
      // A full chunk is held back until more comes, since the last one is sealed differently and must not be empty.
      while (pending.length - offset > chunkBytes) {
        sealed.push(...seal(pending.subarray(offset, offset + chunkBytes), false))
        offset += chunkBytes
      }
      pending = pending.subarray(offset)
      callback(null, sealed.length > 0 ? Buffer.concat(sealed) : undefined)
    },
    flush(callback) {
      callback(null, Buffer.concat(seal(pending, true)))
    },
  })
  stream.push(Buffer.concat([header, nonce]))
  return stream
}

/** Has the library encrypt nothing, which yields a header for these recipients, and learns the file key it chose. */
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
      // A private key may stand here by mistake, so the value is not shown.
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
  return { header: empty.subarray(0, empty.length - nonceBytes - tagBytes), fileKey }
}

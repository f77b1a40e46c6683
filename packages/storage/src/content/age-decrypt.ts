import { createDecipheriv } from 'node:crypto'
import { Transform } from 'node:stream'
import { Decrypter } from 'age-encryption'
import { releaseBuffer, transferOwnership } from '../buffer-ownership.ts'
import { CIPHER_NAME, chunkNonce, NONCE_BYTES, payloadKey, sealedChunkBytes, TAG_BYTES } from './age-format.ts'
import { ContentError } from './content-error.ts'

const magic = Buffer.from('age-encryption.org/v1\n')
const lastLine = Buffer.from('\n--- ')
const stanza = Buffer.from('\n-> ')
const passphraseStanza = Buffer.from('\n-> scrypt ')
/** Enough for several thousand recipients. */
const MAXIMUM_HEADER_BYTES = 1024 * 1024

/**
 * Creates a stream that decrypts an age file. Every byte that it delivers was authenticated; a truncated file, even one
 * cut between two chunks, fails with a `ContentError`.
 *
 * @param identities - At least one `AGE-SECRET-KEY-…`; each is tried.
 * @throws {ContentError} With code `invalid-key` if one is not an identity.
 */
export function ageDecryptor(identities: readonly string[]): Transform {
  const openHeader = headerOpener(identities)
  let header: Buffer = Buffer.alloc(0)
  let key: Buffer | undefined
  // Reused for each chunk: decryption reads it immediately.
  const chunk = Buffer.allocUnsafeSlow(sealedChunkBytes)
  let filled = 0
  let chunkNumber = 0

  const unseal = (sealed: Buffer, isLast: boolean): Buffer => {
    if (sealed.length < TAG_BYTES) throw cutOff()
    const body = sealed.subarray(0, sealed.length - TAG_BYTES)
    const decipher = createDecipheriv(CIPHER_NAME, key as Buffer, chunkNonce(chunkNumber, isLast), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
    try {
      const plain = decipher.update(body)
      decipher.final()
      chunkNumber++
      return plain
    } catch (cause) {
      throw new ContentError(
        'corrupt',
        `The encrypted content is damaged or cut off in or after chunk ${chunkNumber + 1}.`,
        { cause },
      )
    }
  }

  /** Reads the header once it has arrived completely, and returns what follows it. */
  const readKey = async (): Promise<Buffer | undefined> => {
    const headerBytes = headerLength(header)
    if (headerBytes === undefined || header.length < headerBytes + NONCE_BYTES) return undefined
    const fileKey = await openHeader(header.subarray(0, headerBytes))
    key = payloadKey(fileKey, header.subarray(headerBytes, headerBytes + NONCE_BYTES))
    return header.subarray(headerBytes + NONCE_BYTES)
  }

  /** Takes bytes of the payload and delivers the chunks that they complete. */
  const add = (stream: Transform, bytes: Buffer): void => {
    for (let at = 0; at < bytes.length; ) {
      // A full chunk is held back until more data arrives: the last one is marked.
      if (filled === sealedChunkBytes) {
        stream.push(transferOwnership(unseal(chunk, false)))
        filled = 0
      }
      const taken = bytes.copy(chunk, filled, at)
      filled += taken
      at += taken
    }
  }

  return new Transform({
    highWaterMark: sealedChunkBytes,
    transform(bytes: Buffer, _encoding, callback) {
      if (key) {
        try {
          add(this, bytes)
          releaseBuffer(bytes)
          callback()
        } catch (error) {
          callback(error as Error)
        }
        return
      }
      header = Buffer.concat([header, bytes])
      readKey()
        .then((payload) => payload && add(this, payload))
        .then(() => callback(), callback)
    },
    flush(callback) {
      try {
        if (!key) throw cutOff()
        const plain = unseal(chunk.subarray(0, filled), true)
        if (plain.length === 0 && chunkNumber > 1) {
          throw new ContentError('corrupt', 'The encrypted content ends with an empty chunk, which age never writes.')
        }
        callback(null, plain)
      } catch (error) {
        callback(error as Error)
      }
    },
  })
}

function cutOff(): ContentError {
  return new ContentError('corrupt', 'The encrypted content is truncated, or is not an age file.')
}

/** The header's length with its last newline; undefined while it is incomplete. */
function headerLength(bytes: Buffer): number | undefined {
  const start = bytes.subarray(0, magic.length)
  if (!start.equals(magic.subarray(0, start.length))) {
    throw new ContentError(
      'corrupt',
      'The content is not an age file (a binary one, not armored), though it is recorded as encrypted.',
    )
  }
  const marker = bytes.indexOf(lastLine)
  const end = marker === -1 ? -1 : bytes.indexOf('\n', marker + lastLine.length)
  if (end !== -1) return end + 1
  if (bytes.length > MAXIMUM_HEADER_BYTES) throw new ContentError('corrupt', 'The header of the age file has no end.')
  return undefined
}

function headerOpener(identities: readonly string[]): (header: Buffer) => Promise<Uint8Array> {
  const decrypter = new Decrypter()
  for (const [index, identity] of identities.entries()) {
    try {
      decrypter.addIdentity(identity)
    } catch (cause) {
      throw new ContentError('invalid-key', `Identity ${index + 1} is not an age identity (AGE-SECRET-KEY-…).`, {
        cause,
      })
    }
  }
  if (identities.length === 0) {
    throw new ContentError('wrong-key', 'The content is encrypted and no age identity (AGE-SECRET-KEY-…) is given.')
  }
  // Consulted after all others, and only if none of them recognized a stanza.
  let noneMatched = false
  decrypter.addIdentity({
    unwrapFileKey() {
      noneMatched = true
      return null
    },
  })
  return async (header) => {
    if (header.includes(passphraseStanza) && header.indexOf(stanza) !== header.lastIndexOf(stanza)) {
      throw new ContentError('corrupt', 'The header of the age file has a passphrase beside other recipients.')
    }
    try {
      return await decrypter.decryptHeader(header)
    } catch (cause) {
      if (noneMatched && header.includes(passphraseStanza)) {
        throw new ContentError(
          'wrong-key',
          'The content is encrypted with a passphrase, which is not supported: decrypt it with `age -d`.',
          { cause },
        )
      }
      throw noneMatched
        ? new ContentError('wrong-key', 'None of the given age identities opens the content.', { cause })
        : new ContentError('corrupt', 'The header of the age file is damaged.', { cause })
    }
  }
}

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { inflateSync } from 'node:zlib'
import { generateX25519Identity } from 'age-encryption'
import * as vectors from 'cctv-age'
import { describe, expect, test } from 'vitest'
import { ageDecryptor } from './age-decrypt.ts'
import { CHUNK_BYTES } from './age-format.ts'
import { ContentError } from './content-error.ts'

/** Opens none of the vectors. */
const stranger = await generateX25519Identity()

/** One of the C2SP test vectors of the age format: a header of keys and values, an empty line, and an age file. */
interface Vector {
  name: string
  expect: string
  /** SHA-256 of the content, or of the part of it that comes before the damage. */
  payload: string | undefined
  identities: string[]
  hasPassphrase: boolean
  isArmored: boolean
  file: Buffer
}

function parse(name: string, bytes: Uint8Array): Vector {
  const whole = Buffer.from(bytes)
  const end = whole.indexOf('\n\n')
  const lines = whole.subarray(0, end).toString().split('\n')
  const values = (key: string) =>
    lines.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2))
  const body = whole.subarray(end + 2)
  return {
    name,
    expect: values('expect')[0] ?? '',
    payload: values('payload')[0],
    identities: values('identity'),
    hasPassphrase: values('passphrase').length > 0,
    isArmored: values('armored').length > 0,
    file: values('compressed').length > 0 ? inflateSync(body) : body,
  }
}

/** What came out of a decryption, up to the error if there was one. */
interface Decrypted {
  sha256: string
  sizeBytes: number
  error?: unknown
}

/** Decrypts in pieces, so that what comes before the damage is let out before the damage is seen. */
async function decrypt(vector: Vector, pieceBytes: number): Promise<Decrypted> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const pieces = async function* () {
    for (let at = 0; at < vector.file.length; at += pieceBytes) {
      yield vector.file.subarray(at, at + pieceBytes)
      // Lets the reader have what is out before what follows can fail.
      await setImmediate()
    }
  }
  const error = await pipeline(
    Readable.from(pieces()),
    ageDecryptor([...vector.identities, stranger]),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk)
        sizeBytes += chunk.length
      }
    },
  ).catch((cause: unknown) => cause)
  return { sha256: hash.digest('hex'), sizeBytes, ...(error === undefined ? {} : { error }) }
}

const all = Object.entries(vectors)
  .filter(([, bytes]) => bytes instanceof Uint8Array)
  .map(([name, bytes]) => parse(name, bytes))
const ours = all.filter(({ hasPassphrase, isArmored }) => !hasPassphrase && !isArmored)
const armored = all.filter(({ isArmored }) => isArmored)
const withPassphrase = all.filter(({ hasPassphrase, isArmored }) => hasPassphrase && !isArmored)

describe('the C2SP vectors of the age format', () => {
  test('are all here', () => {
    expect(ours.length + armored.length + withPassphrase.length).toBe(143)
    expect(ours.filter((vector) => vector.expect === 'success').length).toBeGreaterThanOrEqual(15)
  })

  describe.each([1000, 10_000_000])('in pieces of %i', (pieceBytes) => {
    test.each(ours)('$name: $expect', async (vector) => {
      const { sha256, sizeBytes, error } = await decrypt(vector, pieceBytes)
      if (vector.expect === 'success') {
        expect(error).toBeUndefined()
        expect(sha256).toBe(vector.payload)
        return
      }
      expect(error).toBeInstanceOf(ContentError)
      expect(error).toMatchObject({ code: vector.expect === 'no match' ? 'wrong-key' : 'corrupt' })
      if (vector.expect !== 'payload failure') expect(sizeBytes).toBe(0)
      // Of a file without a last chunk the reference also lets out the chunk before the end; we let out less.
      else if (pieceBytes === 1000 && sha256 !== vector.payload) expect(sizeBytes % CHUNK_BYTES).toBe(0)
    })
  })

  test.each(withPassphrase)('$name is rejected: it needs a passphrase', async (vector) => {
    const { error } = await decrypt(vector, 1000)
    expect(error).toBeInstanceOf(ContentError)
    if (vector.name === 'scrypt') {
      expect(error).toMatchObject({ code: 'wrong-key', message: expect.stringContaining('passphrase') })
    }
  })

  test.each(armored)('$name is rejected: it is text', async (vector) => {
    const { error } = await decrypt(vector, 1000)
    expect(error).toMatchObject({ code: 'corrupt' })
  })
})

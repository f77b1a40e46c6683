import { type ExecFileException, execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, expect, test } from 'vitest'
import { ageDecryptor } from './age-decrypt.ts'
import { ageEncryptor } from './age-encrypt.ts'

const identity = await generateX25519Identity()
const recipient = await identityToRecipient(identity)
const folder = await mkdtemp(join(tmpdir(), 'osb-age-'))
afterAll(() => rm(folder, { recursive: true }))

/** Sizes on both sides of age's chunks of 64 KiB. */
const sizes = [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]

test.each(sizes)('the library reads %i bytes that we encrypted', async (size) => {
  const plain = randomBytes(size)
  const encrypted = await buffer(Readable.from([plain], { objectMode: true }).pipe(await ageEncryptor([recipient])))
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  expect(Buffer.from(await decrypter.decrypt(encrypted)).equals(plain)).toBe(true)
})

test.each(sizes)('we read %i bytes that the library encrypted, even byte by byte at the start', async (size) => {
  const plain = randomBytes(size)
  const encrypter = new Encrypter()
  encrypter.addRecipient(await identityToRecipient(await generateX25519Identity()))
  encrypter.addRecipient(recipient)
  const encrypted = Buffer.from(await encrypter.encrypt(plain))
  const start = Array.from(encrypted.subarray(0, 400), (byte) => Buffer.from([byte]))
  const chunks = Readable.from([...start, encrypted.subarray(400)], { objectMode: true })
  expect((await buffer(chunks.pipe(ageDecryptor([identity])))).equals(plain)).toBe(true)
})

test('the age program reads what we encrypted, where it is installed', async ({ skip }) => {
  const plain = randomBytes(200_000)
  const encrypted = await buffer(Readable.from([plain]).pipe(await ageEncryptor([recipient])))
  await writeFile(join(folder, 'identity'), identity)
  await writeFile(join(folder, 'encrypted'), encrypted)
  const args = ['-d', '-i', join(folder, 'identity'), '-o', join(folder, 'plain'), join(folder, 'encrypted')]
  const error = await new Promise<ExecFileException | null>((resolve) => execFile('age', args, (e) => resolve(e)))
  if (error?.code === 'ENOENT') return skip('age is not installed')
  expect(error).toBeNull()
  expect((await readFile(join(folder, 'plain'))).equals(plain)).toBe(true)
})

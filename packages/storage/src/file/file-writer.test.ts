import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, expect, test } from 'vitest'
import { writeWhole } from './file-writer.ts'

const root = await mkdtemp(join(tmpdir(), 'osb-writer-'))
afterAll(() => rm(root, { recursive: true }))
const content = Buffer.from('0123456789'.repeat(100))
const chunks = () => Readable.from([content.subarray(0, 400), content.subarray(400)])

/** A file on a mount that fails a number of writes, the first of them after a part of the chunk. */
async function failingFile(path: string, failures: number): Promise<FileHandle> {
  const handle = await open(path, 'w')
  const write = handle.write.bind(handle)
  let calls = 0
  const failing = async (chunk: Buffer, at: number, length: number, position: number) => {
    if (calls++ === 0) return write(chunk, at, 100, position)
    if (calls <= failures + 1) throw Object.assign(new Error('i/o error'), { code: 'EIO' })
    return write(chunk, at, length, position)
  }
  return Object.assign(handle, { write: failing })
}

test('a mount that fails for a while costs no byte', async () => {
  const path = join(root, 'a')
  const retry = { outageMs: 10_000, firstDelayMs: 1 }
  expect(await writeWhole(await failingFile(path, 3), chunks(), { doing: 'store "a"', retry })).toBe(1000)
  expect(await readFile(path)).toEqual(content)
})

test('a mount that keeps failing fails the upload when the outage has lasted too long', async () => {
  const retry = { outageMs: 20, firstDelayMs: 1 }
  const handle = await failingFile(join(root, 'b'), Number.POSITIVE_INFINITY)
  await expect(writeWhole(handle, chunks(), { doing: 'store "b"', retry })).rejects.toMatchObject({
    code: 'temporary',
    message: expect.stringMatching(/^Could not store "b": .*\(EIO\)\. It failed for 0 s\.$/),
  })
})

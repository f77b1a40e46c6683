import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { CHUNK_BYTES, ChunkDigests, isWhole, rangeOfChunk } from './chunk-list.ts'

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test.each([
  [0, 0],
  [1, 1],
  [CHUNK_BYTES, 1],
  [CHUNK_BYTES + 1, 2],
  [2 * CHUNK_BYTES - 1, 2],
])('%i bytes have %i chunks, whatever pieces they come in', (sizeBytes, count) => {
  const content = Buffer.alloc(sizeBytes, 'chunk')
  const digests = new ChunkDigests()
  for (let at = 0; at < sizeBytes; at += 1_234_567) digests.update(content.subarray(at, at + 1_234_567))
  const list = digests.finish()
  expect(list).toMatchObject({ objectBytes: sizeBytes, chunkBytes: CHUNK_BYTES })
  expect(isWhole(list)).toBe(true)
  const ranges = list.sha256.map((_, index) => rangeOfChunk(list, index))
  expect(ranges).toHaveLength(count)
  expect(list.sha256).toEqual(ranges.map(({ from, end }) => sha256(content.subarray(from, end))))
  expect(isWhole({ ...list, sha256: [...list.sha256, ''] })).toBe(false)
})

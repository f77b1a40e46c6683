import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { freeChunk, giveAway } from './chunk-memory.ts'

const ofItsOwn = (text: string) => {
  const chunk = Buffer.allocUnsafeSlow(text.length)
  chunk.write(text)
  return chunk
}

it('frees the memory of a chunk that was given away, once', () => {
  const chunk = giveAway(ofItsOwn('passed on'))
  freeChunk(chunk)
  expect(chunk.length).toBe(0)
  expect(chunk.buffer.byteLength).toBe(0)
  freeChunk(chunk)
})

it('leaves a chunk alone that its maker may still use', () => {
  const chunk = ofItsOwn('kept')
  freeChunk(chunk)
  expect(chunk.toString()).toBe('kept')
})

it('leaves memory alone that others read parts of', () => {
  const whole = giveAway(ofItsOwn('first second'))
  freeChunk(whole.subarray(0, 5))
  expect(whole.toString()).toBe('first second')
  // Of a pool that Node shares out.
  const pooled = giveAway(Buffer.from('small'))
  freeChunk(pooled)
  expect(pooled.toString()).toBe('small')
})

it('keeps what lies beside it', () => {
  const chunks = Array.from({ length: 20 }, () => randomBytes(70_000))
  const copies = chunks.map((chunk) => giveAway(Buffer.from(chunk)))
  for (const copy of copies.filter((_, index) => index % 2 === 0)) freeChunk(copy)
  const left = copies.filter((_, index) => index % 2 === 1)
  expect(left.every((copy, index) => chunks[2 * index + 1]?.equals(copy))).toBe(true)
})

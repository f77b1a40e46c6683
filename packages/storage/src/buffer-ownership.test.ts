import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { releaseBuffer, transferOwnership } from './buffer-ownership.ts'

const ofItsOwn = (text: string) => {
  const chunk = Buffer.allocUnsafeSlow(text.length)
  chunk.write(text)
  return chunk
}

test('releases a chunk whose ownership was transferred, once', () => {
  const chunk = transferOwnership(ofItsOwn('passed on'))
  releaseBuffer(chunk)
  expect(chunk.length).toBe(0)
  expect(chunk.buffer.byteLength).toBe(0)
  releaseBuffer(chunk)
})

test('does not release a chunk that its creator may still use', () => {
  const chunk = ofItsOwn('kept')
  releaseBuffer(chunk)
  expect(chunk.toString()).toBe('kept')
})

test('does not release memory that others read parts of', () => {
  const whole = transferOwnership(ofItsOwn('first second'))
  releaseBuffer(whole.subarray(0, 5))
  expect(whole.toString()).toBe('first second')
  // Of a pool that Node shares out.
  const pooled = transferOwnership(Buffer.from('small'))
  releaseBuffer(pooled)
  expect(pooled.toString()).toBe('small')
})

test('does not affect other chunks', () => {
  const chunks = Array.from({ length: 20 }, () => randomBytes(70_000))
  const copies = chunks.map((chunk) => transferOwnership(Buffer.from(chunk)))
  for (const copy of copies.filter((_, index) => index % 2 === 0)) releaseBuffer(copy)
  const left = copies.filter((_, index) => index % 2 === 1)
  expect(left.every((copy, index) => chunks[2 * index + 1]?.equals(copy))).toBe(true)
})

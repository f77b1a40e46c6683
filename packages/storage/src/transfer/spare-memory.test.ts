import { expect, it } from 'vitest'
import { SpareMemory } from './spare-memory.ts'

const mebibyte = 1024 * 1024

it('gives memory again that came back, to whom it suffices', () => {
  const spare = new SpareMemory()
  const small = spare.take(5 * mebibyte)
  const large = spare.take(20 * mebibyte)
  spare.giveBack(small)
  spare.giveBack(large)
  expect(spare.take(20 * mebibyte)).toBe(large)
  expect(spare.take(6 * mebibyte)).toBe(small)
})

it('never gives the same memory to two at once', () => {
  const spare = new SpareMemory()
  spare.giveBack(spare.take(mebibyte))
  const taken = Array.from({ length: 5 }, () => spare.take(mebibyte))
  expect(new Set(taken).size).toBe(5)
})

it('has room for parts that grow, up to the next power of two', () => {
  const spare = new SpareMemory()
  const first = spare.take(5 * mebibyte)
  spare.giveBack(first)
  expect(spare.take(8 * mebibyte)).toBe(first)
  expect(first.length).toBe(8 * mebibyte)
  expect(spare.take(8 * mebibyte + 1).length).toBe(16 * mebibyte)
})

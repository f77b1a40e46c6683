import { expect, test } from 'vitest'
import { BufferPool } from './buffer-pool.ts'

const mebibyte = 1024 * 1024

test('reuses released buffers that are large enough', () => {
  const pool = new BufferPool()
  const small = pool.acquire(5 * mebibyte)
  const large = pool.acquire(20 * mebibyte)
  pool.release(small)
  pool.release(large)
  expect(pool.acquire(20 * mebibyte)).toBe(large)
  expect(pool.acquire(6 * mebibyte)).toBe(small)
})

test('never hands out the same buffer twice', () => {
  const pool = new BufferPool()
  pool.release(pool.acquire(mebibyte))
  const taken = Array.from({ length: 5 }, () => pool.acquire(mebibyte))
  expect(new Set(taken).size).toBe(5)
})

test('fits growing parts, up to the next power of two', () => {
  const pool = new BufferPool()
  const first = pool.acquire(5 * mebibyte)
  pool.release(first)
  expect(pool.acquire(8 * mebibyte)).toBe(first)
  expect(first.length).toBe(8 * mebibyte)
  expect(pool.acquire(8 * mebibyte + 1).length).toBe(16 * mebibyte)
})

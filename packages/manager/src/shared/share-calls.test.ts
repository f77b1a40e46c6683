import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { shareCalls } from './share-calls.ts'

/** Computations that end when they are released; each answers its number. */
function controlled() {
  const releases: (() => void)[] = []
  const compute = async () => {
    const gate = Promise.withResolvers<void>()
    const number = releases.push(gate.resolve)
    await gate.promise
    return number
  }
  return { compute, releases }
}

test('calls that come while one is computed share the next computation', async () => {
  const { compute, releases } = controlled()
  const share = shareCalls<number>()
  const first = share('a', compute)
  const others = [share('a', compute), share('a', compute), share('a', compute)]
  expect(releases).toHaveLength(1)
  releases[0]?.()
  expect(await first).toBe(1)
  await setImmediate()
  expect(releases).toHaveLength(2)
  const late = share('a', compute)
  releases[1]?.()
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  await setImmediate()
  releases[2]?.()
  expect(await late).toBe(3)
})

test('another key shares nothing', async () => {
  const { compute, releases } = controlled()
  const share = shareCalls<number>()
  const both = [share('a', compute), share('b', compute)]
  expect(releases).toHaveLength(2)
  for (const release of releases) release()
  expect(await Promise.all(both)).toEqual([1, 2])
})

test('a computation that fails fails for those who share it, and not for those who come later', async () => {
  const share = shareCalls<number>()
  await expect(share('a', () => Promise.reject(new Error('no database')))).rejects.toThrow('no database')
  expect(await share('a', async () => 1)).toBe(1)
})

import { once } from 'node:events'
import { queryObjects } from 'node:v8'
import { expect, test } from 'vitest'
import { startDeadline } from './deadline.ts'

const HOUR_MS = 3_600_000

test('a deadline aborts when its time is over', async () => {
  using deadline = startDeadline(new AbortController().signal, 1)
  if (!deadline.signal.aborted) {
    // The timer alone keeps no process alive.
    const waiting = setInterval(() => undefined, 1000)
    await once(deadline.signal, 'abort')
    clearInterval(waiting)
  }
  expect(deadline).toMatchObject({ isExceeded: true, signal: { reason: { name: 'TimeoutError' } } })
})

test('a deadline aborts with its parent, for the same reason', () => {
  const parent = new AbortController()
  using deadline = startDeadline(parent.signal, HOUR_MS)
  expect(deadline.signal.aborted).toBe(false)
  const reason = new Error('cancelled')
  parent.abort(reason)
  expect(deadline).toMatchObject({ isExceeded: false, signal: { aborted: true, reason } })
  using late = startDeadline(parent.signal, HOUR_MS)
  expect(late.signal).toMatchObject({ aborted: true, reason })
})

test('nothing is left of a deadline that was disposed of, however long it and its parent would last', () => {
  const parent = new AbortController()
  const before = queryObjects(AbortSignal, { format: 'count' })
  for (let count = 0; count < 100; count++) {
    using deadline = startDeadline(parent.signal, HOUR_MS)
    deadline.signal.addEventListener('abort', () => undefined, { once: true })
  }
  expect(queryObjects(AbortSignal, { format: 'count' })).toBeLessThan(before + 10)
})

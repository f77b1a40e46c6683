import { once } from 'node:events'
import { queryObjects } from 'node:v8'
import { expect, test } from 'vitest'
import { withDeadline } from './deadline.ts'

const HOUR_MS = 3_600_000

test('a deadline aborts when its time is over', async () => {
  await withDeadline(new AbortController().signal, 1, async (deadline) => {
    // The timer alone keeps no process alive.
    const waiting = setInterval(() => undefined, 1000)
    await once(deadline.signal, 'abort')
    clearInterval(waiting)
    expect(deadline).toMatchObject({ isExceeded: true, signal: { reason: { name: 'TimeoutError' } } })
  })
})

test('a deadline aborts with its parent, for the same reason', async () => {
  const parent = new AbortController()
  const reason = new Error('cancelled')
  await withDeadline(parent.signal, HOUR_MS, async (deadline) => {
    expect(deadline.signal.aborted).toBe(false)
    parent.abort(reason)
    expect(deadline).toMatchObject({ isExceeded: false, signal: { aborted: true, reason } })
  })
  const late = withDeadline(parent.signal, HOUR_MS, async ({ signal }) => signal)
  expect(await late).toMatchObject({ aborted: true, reason })
})

test('nothing is left of a deadline after its work, however long it and its parent would last', async () => {
  const parent = new AbortController()
  const before = queryObjects(AbortSignal, { format: 'count' })
  for (let count = 0; count < 100; count++) {
    await withDeadline(parent.signal, HOUR_MS, async ({ signal }) => {
      signal.addEventListener('abort', () => undefined, { once: true })
    })
  }
  expect(queryObjects(AbortSignal, { format: 'count' })).toBeLessThan(before + 10)
  const failure = new Error('failed')
  await expect(withDeadline(parent.signal, HOUR_MS, () => Promise.reject(failure))).rejects.toBe(failure)
})

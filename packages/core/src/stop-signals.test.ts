import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { heedStopSignals } from './stop-signals.ts'

/** What a program does that gets signals at these times, in milliseconds, in their order. */
function stepsAt(signals: readonly ('SIGINT' | 'SIGTERM')[], atMs: readonly number[]): string[] {
  const source = new EventEmitter()
  const done: string[] = []
  let now = 0
  const steps = { stop: (signal: string) => void done.push(`stop ${signal}`), endNow: () => void done.push('end now') }
  heedStopSignals(source, () => now, steps)
  for (const [index, time] of atMs.entries()) {
    now = time
    source.emit(signals[index % signals.length] ?? 'SIGINT')
  }
  return done
}

test.for([
  [[5000], ['stop SIGINT']],
  [[5000, 5010], ['stop SIGINT']],
  [[5000, 5010, 6900], ['stop SIGINT']],
  [
    [5000, 5010, 7000],
    ['stop SIGINT', 'end now'],
  ],
  [
    [5000, 9000, 9010, 20_000],
    ['stop SIGINT', 'end now'],
  ],
] as const)('signals at %j lead to %j', ([atMs, steps]) => {
  expect(stepsAt(['SIGINT'], atMs)).toEqual(steps)
})

test('SIGINT and SIGTERM are one wish', () => {
  expect(stepsAt(['SIGINT', 'SIGTERM'], [0, 10])).toEqual(['stop SIGINT'])
})

test('whatever comes, a program is stopped once, and ended at once only by what comes two seconds later', () => {
  const times = fc.array(fc.nat(10_000), { minLength: 1 }).map((list) => list.toSorted((one, other) => one - other))
  fc.assert(
    fc.property(times, (atMs) => {
      const insisted = (atMs.at(-1) ?? 0) - (atMs[0] ?? 0) >= 2000
      expect(stepsAt(['SIGTERM'], atMs)).toEqual(insisted ? ['stop SIGTERM', 'end now'] : ['stop SIGTERM'])
    }),
  )
})

import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { handleShutdownSignals } from './shutdown-signals.ts'

/** What a program does that receives signals at these times, in milliseconds. */
function actionsAt(signals: readonly ('SIGINT' | 'SIGTERM')[], atMs: readonly number[]): string[] {
  const source = new EventEmitter()
  const actions: string[] = []
  let now = 0
  handleShutdownSignals(source, () => now, {
    shutdown: (signal: string) => void actions.push(`shutdown ${signal}`),
    forceExit: () => void actions.push('force exit'),
  })
  for (const [index, time] of atMs.entries()) {
    now = time
    source.emit(signals[index % signals.length] ?? 'SIGINT')
  }
  return actions
}

test.for([
  [[5000], ['shutdown SIGINT']],
  [[5000, 5010], ['shutdown SIGINT']],
  [[5000, 5010, 6900], ['shutdown SIGINT']],
  [
    [5000, 5010, 7000],
    ['shutdown SIGINT', 'force exit'],
  ],
  [
    [5000, 9000, 9010, 20_000],
    ['shutdown SIGINT', 'force exit'],
  ],
] as const)('signals at %j lead to %j', ([atMs, actions]) => {
  expect(actionsAt(['SIGINT'], atMs)).toEqual(actions)
})

test('SIGINT and SIGTERM are one request', () => {
  expect(actionsAt(['SIGINT', 'SIGTERM'], [0, 10])).toEqual(['shutdown SIGINT'])
})

test('a program shuts down once, and is forced to exit only by a signal two seconds later', () => {
  const times = fc.array(fc.nat(10_000), { minLength: 1 }).map((list) => list.toSorted((one, other) => one - other))
  fc.assert(
    fc.property(times, (atMs) => {
      const isForced = (atMs.at(-1) ?? 0) - (atMs[0] ?? 0) >= 2000
      expect(actionsAt(['SIGTERM'], atMs)).toEqual(isForced ? ['shutdown SIGTERM', 'force exit'] : ['shutdown SIGTERM'])
    }),
  )
})

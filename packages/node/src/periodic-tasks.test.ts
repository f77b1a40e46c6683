import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startPeriodicTasks } from './periodic-tasks.ts'

const POLL = { interval: 2 }
const never = () => expect.fail('no error was expected')

test('a task runs at once and then again after its interval', async () => {
  let runs = 0
  const task = { name: 'count', intervalMs: 1, run: async () => ++runs < 0 }
  const tasks = startPeriodicTasks([task], never)
  expect(runs).toBe(1)
  await expect.poll(() => runs, POLL).toBeGreaterThan(3)
  await tasks.stop()
  const atStop = runs
  await sleep(20)
  expect(runs).toBe(atStop)
})

test('a task that has more to do runs again at once', async () => {
  let left = 5
  const tasks = startPeriodicTasks([{ name: 'drain', intervalMs: 3_600_000, run: async () => --left > 0 }], never)
  await expect.poll(() => left, POLL).toBe(0)
  await tasks.stop()
})

test('a task that fails is reported and runs again; the others are not held up', async () => {
  const errors: string[] = []
  let others = 0
  const tasks = startPeriodicTasks(
    [
      { name: 'fails', intervalMs: 1, run: () => Promise.reject(new Error(`disk full ${errors.length}`)) },
      { name: 'hangs', intervalMs: 1, run: (signal) => sleep(3_600_000, false, { signal }) },
      { name: 'works', intervalMs: 1, run: async () => ++others < 0 },
    ],
    (task, error) => errors.push(`${task.name}: ${(error as Error).message}`),
  )
  await expect.poll(() => Math.min(errors.length, others), POLL).toBeGreaterThan(2)
  // Also ends the run that hangs, whose error is then not reported.
  await tasks.stop()
  expect(errors.slice(0, 2)).toEqual(['fails: disk full 0', 'fails: disk full 1'])
  expect(errors.every((error) => error.startsWith('fails'))).toBe(true)
})

test('stopping waits for the run under way', async () => {
  const gate = Promise.withResolvers<void>()
  let isDone = false
  const run = async () => {
    await gate.promise
    isDone = true
    return true
  }
  const tasks = startPeriodicTasks([{ name: 'slow', intervalMs: 1, run }], never)
  const stopped = tasks.stop()
  await sleep(5)
  expect(isDone).toBe(false)
  gate.resolve()
  await stopped
  expect(isDone).toBe(true)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ClockObservation, clockJumpMs, type HostObservation, nextObservation } from './clock-jump.ts'

const start = Date.parse('2026-03-01T00:00:00Z')
const hour = 3_600_000

/** A host, `hours` after it booted, whose clock is `ahead` hours fast. */
const after = (hours: number, { ahead = 0, paused = 0 } = {}): ClockObservation => ({
  at: new Date(start + (hours + ahead) * hour),
  uptimeSeconds: (hours - paused) * 3600,
})
const observed = (hours: number, { steadyFor = 0, ...clock } = {}): HostObservation => ({
  ...after(hours, clock),
  steadySince: new Date(start + (hours - steadyFor) * hour),
})

test('a clock that is set by more than an hour jumps, in either direction', () => {
  expect(clockJumpMs(after(1, { ahead: 72 }), observed(1), [])).toBe(72 * hour)
  expect(clockJumpMs(after(1, { ahead: -2 }), observed(1), [])).toBe(-2 * hour)
  expect(clockJumpMs(after(1, { ahead: 0.9 }), observed(1), [])).toBeUndefined()
  expect(clockJumpMs(after(1, { ahead: -0.9 }), observed(1), [])).toBeUndefined()
})

test('an outage of all managers is no jump, whether hosts were restarted or not', () => {
  expect(clockJumpMs(after(1000), observed(1), [])).toBeUndefined()
  expect(clockJumpMs(after(1000), undefined, [observed(1)])).toBeUndefined()
  expect(clockJumpMs(after(0), undefined, [])).toBeUndefined()
})

test('a clock that was set during an outage jumps, as far as that can be known', () => {
  expect(clockJumpMs(after(100, { ahead: 72 }), observed(1), [])).toBe(72 * hour)
  expect(clockJumpMs(after(10, { ahead: -50 }), undefined, [observed(1)])).toBe(-41 * hour)
})

test('a host that was paused does not know the time, unless no other host knows it either', () => {
  const paused = after(5, { paused: 4 })
  expect(clockJumpMs(paused, observed(1), [observed(4.9, { steadyFor: 4.9 })])).toBeUndefined()
  expect(clockJumpMs(paused, observed(1), [observed(4.9, { steadyFor: 0.1 })])).toBe(4 * hour)
  expect(clockJumpMs(paused, observed(1), [observed(1.5, { steadyFor: 1.5 })])).toBe(4 * hour)
  expect(clockJumpMs(paused, observed(1), [])).toBe(4 * hour)
})

test('a host that began to observe after a jump witnesses nothing', () => {
  const newcomer = nextObservation(after(2, { ahead: 72 }), undefined)
  expect(clockJumpMs(after(2, { ahead: 72 }), observed(1.9, { steadyFor: 1.9 }), [newcomer])).toBe(72 * hour)
})

test('observations are steady for as long as they agree with the uptime', () => {
  const first = nextObservation(after(1), undefined)
  expect(first.steadySince).toEqual(first.at)
  const second = nextObservation(after(5), first)
  expect(second.steadySince).toEqual(first.at)
  const third = nextObservation(after(6, { ahead: 3 }), second)
  expect(third.steadySince).toEqual(third.at)
})

const clocks = { unit: 1000, max: 10_000 }
const hours = fc.double({ min: 0, max: clocks.max, noNaN: true })
test('however managers come and go, a clock that is right never jumps, and one that is set always does', () => {
  const step = fc.record({ host: fc.nat(3), passes: hours, isNewBoot: fc.boolean() })
  const setBy = fc.oneof(
    fc.double({ min: 1.1, max: 1000, noNaN: true }),
    fc.double({ min: -1000, max: -1.1, noNaN: true }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.nat(3), setBy, (steps, host, ahead) => {
      const hosts = new Map<number, HostObservation>()
      const booted = new Map<number, number>()
      let time = 0
      const look = (at: number, aheadHours: number) => {
        const now = {
          at: new Date(start + (time + aheadHours) * hour),
          uptimeSeconds: (time - (booted.get(at) ?? 0)) * 3600,
        }
        const others = [...hosts].flatMap(([other, each]) => (other === at ? [] : [each]))
        const jump = clockJumpMs(now, hosts.get(at), others)
        hosts.set(at, nextObservation(now, hosts.get(at)))
        return jump
      }
      for (const { host: at, passes, isNewBoot } of steps) {
        time += passes
        if (isNewBoot) {
          hosts.delete(at)
          booted.set(at, time)
        }
        expect(look(at, 0)).toBeUndefined()
      }
      look(host, 0)
      expect(look(host, ahead)).toBeCloseTo(ahead * hour, -1)
    }),
  )
})

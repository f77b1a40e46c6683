import { alarmKinds, alarmSeverities } from '@osb-backup/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AlarmState, alarmKey, type Condition } from './alarm.ts'
import { type AlarmChanges, nextAlarms } from './alarms-of.ts'

const RAISE_AFTER = 2
const RESOLVE_AFTER = 2

const condition = (fields: Partial<Condition> = {}): Condition => ({
  kind: 'agent-offline',
  object: { kind: 'agent', id: 'a', name: 'a' },
  instanceId: undefined,
  planId: undefined,
  level: 'bad',
  severity: 'warning',
  sentence: 'It is offline.',
  advice: 'Start it.',
  ...fields,
})

type Level = Condition['level'] | 'good'
const level = fc.constantFrom<Level>('bad', 'borderline', 'good')

/** Evaluates one condition again and again, and returns what each evaluation changed. */
function evaluate(levels: readonly Level[], fields: Partial<Condition> = {}): AlarmChanges[] {
  let states: AlarmState[] = []
  return levels.map((each) => {
    const changes = nextAlarms(each === 'good' ? [] : [condition({ ...fields, level: each })], states)
    states = changes.stored
    return changes
  })
}

test('a condition that stays bad raises one alarm, and one that stays away resolves it', () => {
  fc.assert(
    fc.property(fc.array(level, { maxLength: 30 }), fc.constantFrom(...alarmKinds), (before, kind) => {
      const changes = evaluate([...before, 'bad', 'bad', 'good', 'good'], { kind })
      const count = (what: 'raised' | 'resolved') => changes.flatMap((each) => each[what]).length
      expect(changes.at(-4)?.stored.length).toBe(1)
      expect(changes.at(-3)?.stored[0]?.isRaised).toBe(true)
      expect(changes.at(-1)?.stored).toEqual([])
      expect(count('raised')).toBe(count('resolved'))
    }),
  )
})

test('raising and resolving alternate, and each takes several evaluations in a row that agree', () => {
  fc.assert(
    fc.property(fc.array(level, { maxLength: 60 }), (levels) => {
      let isOpen = false
      for (const [index, { raised, resolved }] of evaluate(levels).entries()) {
        expect(raised.length + resolved.length).toBeLessThanOrEqual(1)
        if (raised.length > 0) {
          expect(isOpen).toBe(false)
          expect(levels.slice(index + 1 - RAISE_AFTER, index + 1)).toEqual(['bad', 'bad'])
        }
        if (resolved.length > 0) {
          expect(isOpen).toBe(true)
          expect(levels.slice(index + 1 - RESOLVE_AFTER, index + 1)).toEqual(['good', 'good'])
        }
        isOpen = isOpen ? resolved.length === 0 : raised.length > 0
      }
    }),
  )
})

test('a condition that comes and goes does not flap: nothing is raised twice, and a value near the limit changes nothing', () => {
  fc.assert(
    fc.property(fc.nat(40), fc.constantFrom(...alarmKinds), (length, kind) => {
      const alternating = Array.from({ length }, (_, index): Level => (index % 2 === 0 ? 'bad' : 'good'))
      expect(evaluate(alternating, { kind }).flatMap(({ raised }) => raised).length).toBeLessThanOrEqual(1)
      const near = Array<Level>(length).fill('borderline')
      expect(evaluate(near, { kind }).flatMap(({ raised }) => raised)).toEqual([])
      expect(evaluate(['bad', 'bad', ...near], { kind }).flatMap(({ resolved }) => resolved)).toEqual([])
    }),
  )
})

const anyCondition = fc
  .record({
    kind: fc.constantFrom(...alarmKinds.slice(0, 3)),
    id: fc.constantFrom('a', 'b'),
    level: fc.constantFrom<Condition['level']>('bad', 'borderline'),
    severity: fc.constantFrom(...alarmSeverities),
  })
  .map(({ id, ...fields }) => condition({ ...fields, object: { kind: 'plan', id, name: id } }))

test('at most one alarm of a kind is open for an object, whatever order conditions are found in', () => {
  const rounds = fc.array(fc.array(anyCondition, { maxLength: 8 }), { maxLength: 10 })
  fc.assert(
    fc.property(rounds, (conditions) => {
      let states: AlarmState[] = []
      for (const found of conditions) {
        const { stored, raised } = nextAlarms(found, states)
        const backwards = nextAlarms(found.toReversed(), states)
        const keys = stored.map(alarmKey)
        expect(new Set(keys).size).toBe(keys.length)
        expect(backwards.stored.map(alarmKey).toSorted()).toEqual(keys.toSorted())
        expect(backwards.raised.length).toBe(raised.length)
        states = stored
      }
    }),
  )
})

test('the severity of an open alarm rises and does not fall', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...alarmSeverities), { minLength: 1 }), (severities) => {
      let states: AlarmState[] = []
      for (const [index, severity] of severities.entries()) {
        states = nextAlarms([condition({ kind: 'run-failed', severity })], states).stored
        const worst = Math.max(...severities.slice(0, index + 1).map((each) => alarmSeverities.indexOf(each)))
        expect(states[0]?.severity).toBe(alarmSeverities[worst])
      }
    }),
  )
})

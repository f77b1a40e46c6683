import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BrokerInstanceFacts, type BrokerResourceState, type BrokerStep, nextBrokerStep } from './broker-step.ts'

const states = ['absent', 'requested', 'creating', 'created', 'deleting'] as const
const state = fc.constantFrom<BrokerResourceState>(...states)
const facts = fc.record<BrokerInstanceFacts>({
  isWanted: fc.boolean(),
  instance: state,
  binding: state,
  isBindable: fc.boolean(),
  hasCredentials: fc.boolean(),
  isRegistered: fc.boolean(),
})

/** What each step leads to at a broker that does what it is asked for at once. */
const effects: Record<BrokerStep, Partial<BrokerInstanceFacts>> = {
  provision: { instance: 'created' },
  'poll-provision': { instance: 'created' },
  bind: { binding: 'created', hasCredentials: true },
  'poll-bind': { binding: 'created', hasCredentials: false },
  'fetch-binding': { hasCredentials: true },
  register: { isRegistered: true },
  unbind: { binding: 'absent', hasCredentials: false },
  'poll-unbind': { binding: 'absent', hasCredentials: false },
  deprovision: { instance: 'absent' },
  'poll-deprovision': { instance: 'absent' },
  deregister: { isRegistered: false },
}

/** Does every step until none is left. */
function runSteps(from: BrokerInstanceFacts): { steps: BrokerStep[]; end: BrokerInstanceFacts } {
  const steps: BrokerStep[] = []
  let now = from
  for (let step = nextBrokerStep(now); step !== undefined && steps.length < 20; step = nextBrokerStep(now)) {
    steps.push(step)
    now = { ...now, ...effects[step] }
  }
  return { steps, end: now }
}

test('whatever a crash left, nothing that may exist is left behind once it is not wanted', () => {
  fc.assert(
    fc.property(facts, (from) => {
      const { steps, end } = runSteps({ ...from, isWanted: false })
      expect(end).toMatchObject({ instance: 'absent', binding: 'absent', isRegistered: false })
      expect(steps.filter((step) => ['provision', 'bind', 'register'].includes(step))).toEqual([])
      const unbound = Math.max(steps.indexOf('unbind'), steps.indexOf('poll-unbind'))
      const deprovisioned = steps.findIndex((step) => /deprovision/.test(step))
      if (deprovisioned !== -1) expect(unbound).toBeLessThan(deprovisioned)
    }),
  )
})

test('whatever a crash left, an instance that is wanted ends up created, bound and registered', () => {
  fc.assert(
    fc.property(facts, (from) => {
      const { end } = runSteps({ ...from, isWanted: true })
      expect(end).toMatchObject({ instance: 'created', isRegistered: true })
      if (from.isBindable) expect(end).toMatchObject({ binding: 'created', hasCredentials: true })
    }),
  )
})

test('a binding whose answer was lost is deleted and requested anew; an instance is requested again under its id', () => {
  const created: BrokerInstanceFacts = {
    isWanted: true,
    instance: 'created',
    binding: 'requested',
    isBindable: true,
    hasCredentials: false,
    isRegistered: false,
  }
  expect(runSteps(created).steps).toEqual(['unbind', 'bind', 'register'])
  expect(nextBrokerStep({ ...created, instance: 'requested', binding: 'absent' })).toBe('provision')
})

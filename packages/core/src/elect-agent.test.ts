import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Candidate, type ElectionAnswer, electAgent } from './elect-agent.ts'

const candidate = (agentId: string, answer: ElectionAnswer, more: Partial<Candidate> = {}): Candidate => ({
  agentId,
  name: agentId,
  answer,
  isPassedOver: false,
  hasLock: false,
  ...more,
})
const priority = (value: number): ElectionAnswer => ({ result: 'priority', priority: value, reason: 'why' })
const unable: ElectionAnswer = { result: 'unable', reason: 'no answer' }
const busy: ElectionAnswer = { result: 'database-busy', reason: 'a job works on it' }

test('the highest priority is elected, of equal ones the first', () => {
  const all = [candidate('a', priority(50)), candidate('b', priority(100)), candidate('c', priority(100))]
  expect(electAgent(all)).toEqual({ result: 'elected', agentId: 'b' })
})

test('an agent that did not start the job comes last', () => {
  const all = [candidate('a', priority(100), { isPassedOver: true }), candidate('b', priority(10))]
  expect(electAgent(all)).toEqual({ result: 'elected', agentId: 'b' })
  expect(electAgent(all.slice(0, 1))).toEqual({ result: 'elected', agentId: 'a' })
})

test('nobody starts on a database that another one works on', () => {
  expect(electAgent([candidate('a', priority(100)), candidate('b', busy)])).toEqual({
    result: 'busy',
    reason: 'b: a job works on it',
  })
})

test('an agent that cannot be asked about its lock holds it; one that knows of none has released it', () => {
  const other = candidate('b', priority(100))
  expect(electAgent([candidate('a', unable, { hasLock: true }), other])).toMatchObject({ result: 'none' })
  expect(electAgent([candidate('a', priority(0), { hasLock: true }), other])).toMatchObject({ agentId: 'b' })
})

test('the reasons of all are named if none suits', () => {
  expect(electAgent([candidate('a', unable), candidate('b', priority(0))])).toEqual({
    result: 'none',
    reason: 'a: no answer; b: why',
  })
})

test('the elected agent is suitable, and no other works on the database', () => {
  const answer = fc.oneof(fc.integer({ min: 0, max: 100 }).map(priority), fc.constantFrom(unable, busy))
  const all = fc.array(fc.record({ answer, isPassedOver: fc.boolean(), hasLock: fc.boolean() }), { maxLength: 5 })
  fc.assert(
    fc.property(all, (answers) => {
      const candidates = answers.map((each, index) => candidate(String(index), each.answer, each))
      const elected = electAgent(candidates)
      const suits = candidates.filter((each) => each.answer.result === 'priority' && each.answer.priority > 0)
      const isHeld = candidates.some(
        (each) => each.answer.result === 'database-busy' || (each.hasLock && each.answer.result === 'unable'),
      )
      expect(elected.result === 'elected').toBe(suits.length > 0 && !isHeld)
      if (elected.result === 'elected') expect(suits.map(({ agentId }) => agentId)).toContain(elected.agentId)
    }),
  )
})

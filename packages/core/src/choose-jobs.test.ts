import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ChosenJob, chooseJobs, type JobLimits } from './choose-jobs.ts'

const unlimited: JobLimits = { overall: 1000, perAgent: 1000, perDestination: 1000 }

function job(id: string, tenant: string, fields: Partial<ChosenJob> = {}): ChosenJob {
  return { id, tenant, agent: `agent of ${tenant}`, destination: `bucket of ${tenant}`, ...fields }
}

const idsOf = (jobs: readonly ChosenJob[]) => jobs.map(({ id }) => id)

test('who came first is first', () => {
  const waiting = [job('1', 'a'), job('2', 'a'), job('3', 'a')]
  expect(idsOf(chooseJobs(waiting, [], unlimited, 2))).toEqual(['1', '2'])
})

test('a tenant with many jobs does not keep another one from its turn', () => {
  const many = Array.from({ length: 100 }, (_, index) => job(`many${index}`, 'many'))
  const waiting = [...many, job('one', 'other')]
  expect(idsOf(chooseJobs(waiting, [], { ...unlimited, overall: 3 }, 10))).toEqual(['many0', 'one', 'many1'])
  expect(idsOf(chooseJobs(waiting, [job('running', 'many')], { ...unlimited, overall: 2 }, 10))).toEqual(['one'])
})

test('a full agent or destination lets others pass', () => {
  const waiting = [job('1', 'a'), job('2', 'a'), job('3', 'a', { agent: 'another' })]
  expect(idsOf(chooseJobs(waiting, [], { ...unlimited, perAgent: 1 }, 10))).toEqual(['1', '3'])
  expect(idsOf(chooseJobs(waiting, [], { ...unlimited, perDestination: 2 }, 10))).toEqual(['1', '2'])
})

const jobs = fc
  .array(
    fc.record({
      tenant: fc.constantFrom('a', 'b', 'c'),
      agent: fc.constantFrom('x', 'y'),
      destination: fc.constantFrom('p', 'q'),
      isRunning: fc.boolean(),
    }),
    { maxLength: 30 },
  )
  .map((all) => all.map((each, index) => ({ ...each, id: String(index) })))
const limit = fc.integer({ min: 1, max: 8 })

test('no limit is passed that was not passed before, and no place is left empty that a job could take', () => {
  fc.assert(
    fc.property(jobs, fc.record({ overall: limit, perAgent: limit, perDestination: limit }), (all, limits) => {
      const running = all.filter(({ isRunning }) => isRunning)
      const waiting = all.filter(({ isRunning }) => !isRunning)
      const chosen = chooseJobs(waiting, running, limits, 100)
      expect(new Set(idsOf(chosen)).size).toBe(chosen.length)
      const after = [...running, ...chosen]
      const used = (property: 'agent' | 'destination', value: string) =>
        after.filter((each) => each[property] === value).length
      const hasRoom = (each: ChosenJob) =>
        used('agent', each.agent) < limits.perAgent && used('destination', each.destination) < limits.perDestination
      for (const each of chosen) {
        expect(used('agent', each.agent)).toBeLessThanOrEqual(limits.perAgent)
        expect(used('destination', each.destination)).toBeLessThanOrEqual(limits.perDestination)
      }
      if (chosen.length > 0) expect(after.length).toBeLessThanOrEqual(limits.overall)
      const left = waiting.filter((each) => !chosen.includes(each))
      expect(after.length >= limits.overall || !left.some(hasRoom)).toBe(true)
    }),
  )
})

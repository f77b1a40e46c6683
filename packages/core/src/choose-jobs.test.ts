import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ChosenJob, canTakeSlot, chooseJobs, type JobLimits } from './choose-jobs.ts'
import type { RunKind } from './stage-order.ts'

const unlimited: JobLimits = { overall: 1000, perAgent: 1000, perDestination: 1000 }

function job(id: string, tenant: string, fields: Partial<ChosenJob> = {}): ChosenJob {
  return {
    id,
    kind: 'backup',
    tenant,
    agent: `agent of ${tenant}`,
    destination: `bucket of ${tenant}`,
    slots: 1,
    ...fields,
  }
}

const forBoth = (limits: JobLimits) => ({ backup: limits, restore: limits })
const idsOf = (jobs: readonly ChosenJob[]) => jobs.map(({ id }) => id)

test('who came first is first', () => {
  const waiting = [job('1', 'a'), job('2', 'a'), job('3', 'a')]
  expect(idsOf(chooseJobs(waiting, [], forBoth(unlimited), 2))).toEqual(['1', '2'])
})

test('a tenant with many jobs does not keep another one from its turn', () => {
  const many = Array.from({ length: 100 }, (_, index) => job(`many${index}`, 'many'))
  const waiting = [...many, job('one', 'other')]
  expect(idsOf(chooseJobs(waiting, [], forBoth({ ...unlimited, overall: 3 }), 10))).toEqual(['many0', 'one', 'many1'])
  expect(idsOf(chooseJobs(waiting, [job('running', 'many')], forBoth({ ...unlimited, overall: 2 }), 10))).toEqual([
    'one',
  ])
})

test('a full agent or destination lets others pass', () => {
  const waiting = [job('1', 'a'), job('2', 'a'), job('3', 'a', { agent: 'another' })]
  expect(idsOf(chooseJobs(waiting, [], forBoth({ ...unlimited, perAgent: 1 }), 10))).toEqual(['1', '3'])
  expect(idsOf(chooseJobs(waiting, [], forBoth({ ...unlimited, perDestination: 2 }), 10))).toEqual(['1', '2'])
})

test('a restore starts although all slots of backups are taken and many backups wait', () => {
  const limits = { backup: { overall: 2, perAgent: 1, perDestination: 1 }, restore: unlimited }
  const busy = { agent: 'shared', destination: 'shared' }
  const running = [job('running', 'a', busy), job('too', 'a')]
  const backups = Array.from({ length: 30 }, (_, index) => job(`backup${index}`, 'a', busy))
  const restore = job('restore', 'a', { ...busy, kind: 'restore' })
  expect(idsOf(chooseJobs([...backups, restore], running, limits, 10))).toEqual(['restore'])
  expect(idsOf(chooseJobs([...backups, restore], [], limits, 1))).toEqual(['restore'])
})

test('many restores of a tenant keep neither another tenant from its restore nor any tenant from a backup', () => {
  const limits = { backup: unlimited, restore: { ...unlimited, overall: 2 } }
  const many = Array.from({ length: 20 }, (_, index) => job(`many${index}`, 'many', { kind: 'restore' }))
  const waiting = [...many, job('other', 'other', { kind: 'restore' }), job('backup', 'many')]
  expect(idsOf(chooseJobs(waiting, [], limits, 10))).toEqual(['many0', 'other', 'backup'])
})

const jobs = fc
  .array(
    fc.record({
      kind: fc.constantFrom<RunKind>('backup', 'restore'),
      tenant: fc.constantFrom('a', 'b', 'c'),
      agent: fc.constantFrom('x', 'y'),
      destination: fc.constantFrom('p', 'q'),
      isRunning: fc.boolean(),
      moreSlots: fc.nat({ max: 3 }),
    }),
    { maxLength: 30 },
  )
  .map((all) =>
    all.map(({ moreSlots, ...each }, index) => ({
      ...each,
      id: String(index),
      slots: each.isRunning ? 1 + moreSlots : 1,
    })),
  )
const limit = fc.integer({ min: 1, max: 8 })

const anyLimits = fc.record({ overall: limit, perAgent: limit, perDestination: limit })

test('no limit is passed that was not passed before, and no slot is left empty that a job could use', () => {
  fc.assert(
    fc.property(jobs, fc.record({ backup: anyLimits, restore: anyLimits }), (all, limits) => {
      const running = all.filter(({ isRunning }) => isRunning)
      const waiting = all.filter(({ isRunning }) => !isRunning)
      const chosen = chooseJobs(waiting, running, limits, 100)
      expect(new Set(idsOf(chosen)).size).toBe(chosen.length)
      for (const kind of ['backup', 'restore'] as const) {
        const ofKind = (each: ChosenJob) => each.kind === kind
        expectFull(waiting.filter(ofKind), running.filter(ofKind), chosen.filter(ofKind), limits[kind])
      }
    }),
  )
})

test('a job gets another slot only if one is free and no waiting job gets it', () => {
  const limits = forBoth({ ...unlimited, perAgent: 3 })
  const wide = job('wide', 'a', { agent: 'shared', slots: 2 })
  const other = job('other', 'b', { agent: 'shared' })
  expect(canTakeSlot('wide', [], [wide], limits)).toBe(true)
  expect(canTakeSlot('wide', [], [wide, other], limits)).toBe(false)
  expect(canTakeSlot('wide', [other], [wide], limits)).toBe(false)
  expect(canTakeSlot('wide', [job('elsewhere', 'b')], [wide], limits)).toBe(true)
  expect(canTakeSlot('ended', [], [wide], limits)).toBe(false)
})

test('which restores start does not depend on backups, nor the other way round', () => {
  fc.assert(
    fc.property(jobs, fc.record({ backup: anyLimits, restore: anyLimits }), (all, limits) => {
      const running = all.filter(({ isRunning }) => isRunning)
      const waiting = all.filter(({ isRunning }) => !isRunning)
      const together = idsOf(chooseJobs(waiting, running, limits, 100))
      const apart = (['restore', 'backup'] as const).flatMap((kind) => {
        const ofKind = (each: ChosenJob) => each.kind === kind
        return idsOf(chooseJobs(waiting.filter(ofKind), running.filter(ofKind), limits, 100))
      })
      expect(together).toEqual(apart)
    }),
  )
})

function expectFull(
  waiting: readonly ChosenJob[],
  running: readonly ChosenJob[],
  chosen: readonly ChosenJob[],
  limits: JobLimits,
): void {
  const after = [...running, ...chosen]
  const slotsOf = (jobs: readonly ChosenJob[]) => jobs.reduce((sum, { slots }) => sum + slots, 0)
  const used = (property: 'agent' | 'destination', value: string) =>
    slotsOf(after.filter((each) => each[property] === value))
  const hasSlot = (each: ChosenJob) =>
    used('agent', each.agent) < limits.perAgent && used('destination', each.destination) < limits.perDestination
  for (const each of chosen) {
    expect(used('agent', each.agent)).toBeLessThanOrEqual(limits.perAgent)
    expect(used('destination', each.destination)).toBeLessThanOrEqual(limits.perDestination)
  }
  if (chosen.length > 0) expect(slotsOf(after)).toBeLessThanOrEqual(limits.overall)
  const left = waiting.filter((each) => !chosen.includes(each))
  expect(slotsOf(after) >= limits.overall || !left.some(hasSlot)).toBe(true)
}

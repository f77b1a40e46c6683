import type { AgentJob } from '@osb-backup/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  chooseDrilledPoint,
  type DrillEvidence,
  drillDatabaseName,
  drilledItems,
  earliestProof,
  judgeDrill,
} from './drills.ts'

const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 2, 0, second)).toISOString()
const stage = (name: string, from: number, fields: object = {}) => ({
  stage: name,
  start_time: at(from),
  end_time: at(from + 1),
  ok: true,
  ...fields,
})
const whole: Pick<AgentJob, 'stages' | 'checks'> = {
  stages: [
    stage('pre-restore-lock', 0, { skipped: true }),
    stage('restore', 1),
    stage('verify', 5),
    stage('check', 8),
    stage('restore-cleanup', 20),
    stage('drill-cleanup', 30),
  ],
  checks: [{ name: 'orders', ok: true, output: '42\n' }],
}
const evidence: DrillEvidence = {
  hasSucceeded: true,
  error: undefined,
  agentStatus: whole,
  checks: [{ name: 'orders', expected: '42' }],
  isDropped: true,
}
const without = (name: string) => ({ ...whole, stages: whole.stages?.filter((each) => each.stage !== name) })

test('a restore that was verified, checked and dropped has passed, in the time until it was checked', () => {
  expect(judgeDrill(evidence)).toEqual({
    passed: true,
    reason: undefined,
    verified: true,
    checks: [{ name: 'orders', passed: true, output: '42', reason: undefined }],
    recoverySeconds: 9,
  })
})

test.each<[string, Partial<DrillEvidence>, RegExp]>([
  ['a failed restore', { hasSucceeded: false, error: 'restore: no space left' }, /no space left/],
  ['a restore without a reason', { hasSucceeded: false, agentStatus: undefined }, /restore failed/i],
  ['an agent that reports nothing', { agentStatus: undefined }, /not run/],
  ['an agent that ran no checks', { agentStatus: { ...whole, checks: undefined } }, /"orders" failed: It was not run/],
  ['another result', { checks: [{ name: 'orders', expected: '43' }] }, /printed "42" instead of "43"/],
  ['too little', { checks: [{ name: 'orders', minimum: 43 }] }, /at least 43/],
  [
    'no number',
    { checks: [{ name: 'orders', minimum: 0 }], agentStatus: { ...whole, checks: [{ name: 'orders', ok: true }] } },
    /at least 0/,
  ],
  [
    'a check whose script failed',
    {
      hasSucceeded: false,
      error: 'check: relation does not exist',
      agentStatus: { ...whole, checks: [{ name: 'orders', ok: false, error: 'relation does not exist' }] },
    },
    /relation does not exist/,
  ],
  ['no verify stage and no checks', { agentStatus: without('verify'), checks: [] }, /Nothing proves/],
  [
    'a verify stage without a script',
    {
      agentStatus: { stages: [stage('restore', 1), stage('verify', 2, { skipped: true })] },
      checks: [],
      isDropped: false,
    },
    /Nothing proves/,
  ],
  ['a database that was not dropped', { agentStatus: without('drill-cleanup') }, /drop it/],
])('%s does not pass', (_what, fields, reason) => {
  const verdict = judgeDrill({ ...evidence, ...fields })
  expect(verdict).toMatchObject({ passed: false, reason: expect.stringMatching(reason) })
  expect(verdict.recoverySeconds).toBeUndefined()
})

test('without a verify stage the checks are the proof', () => {
  expect(judgeDrill({ ...evidence, agentStatus: without('verify') })).toMatchObject({ passed: true, verified: false })
})

test('nothing passes of which anything is missing', () => {
  const anyStage = fc.record({
    stage: fc.constantFrom('restore', 'verify', 'check', 'drill-cleanup'),
    ok: fc.option(fc.boolean(), { nil: undefined }),
    skipped: fc.option(fc.boolean(), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.boolean(), fc.array(anyStage), fc.boolean(), fc.boolean(), (hasSucceeded, stages, ok, isDropped) => {
      const agentStatus = { stages, checks: [{ name: 'orders', ok, output: '42' }] }
      const { passed } = judgeDrill({ ...evidence, hasSucceeded, agentStatus, isDropped })
      const dropped = stages.some((each) => each.stage === 'drill-cleanup' && each.ok === true && !each.skipped)
      expect(passed).toBe(hasSucceeded && ok && (!isDropped || dropped))
    }),
  )
})

test('a drill covers what its plan names and has restore points of, as far as it is wanted', () => {
  const plan = { items: ['users', 'shop_*'], excludedItems: ['shop_tmp'] }
  const known = ['shop_a', 'shop_tmp', 'other', 'users']
  expect(drilledItems(plan, undefined, known)).toEqual(['shop_a', 'users'])
  expect(drilledItems(plan, ['shop*'], known)).toEqual(['shop_a'])
  expect(drilledItems(plan, undefined, [])).toEqual(['users'])
})

test('every restore point can be chosen at random, and the newest is the one with the highest sequence', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(), { minLength: 1 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (sequences, random) => {
        const points = sequences.map((sequence) => ({ sequence }))
        expect(chooseDrilledPoint(points, 'newest', random)?.sequence).toBe(Math.max(...sequences))
        expect(sequences).toContain(chooseDrilledPoint(points, 'random', random)?.sequence)
      },
    ),
  )
  expect(chooseDrilledPoint([], 'random', 0.5)).toBeUndefined()
})

test('names of databases are such that agents drop them', () => {
  expect(drillDatabaseName('69A3a7c0f1d2b3c4d5e6f708', 3)).toBe('osb_drill_69a3a7c0f1d2b3c4d5e6f708_3')
})

test('the earliest proof counts, and none while an item that drills cover was never proven', () => {
  const [old, young] = [new Date(1000), new Date(2000)]
  const covered = { coveredSince: old, provenAt: young }
  const free = { coveredSince: undefined, provenAt: old }
  expect(earliestProof([covered, { ...covered, provenAt: old }])).toEqual(old)
  expect(earliestProof([covered, free])).toEqual(young)
  expect(earliestProof([free, { ...free, provenAt: undefined }])).toEqual(old)
  expect(earliestProof([covered, { ...covered, provenAt: undefined }])).toBeUndefined()
  expect(earliestProof([])).toBeUndefined()
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  drillSteps,
  nextStep,
  type RunKind,
  type RunShape,
  type Step,
  type StepOutcome,
  stepsOf,
} from './stage-order.ts'

/** Walks a run to its end; `fails` says how each step ends. */
function walk(run: RunShape, fails: (step: Step) => boolean, cancelAfter = Number.POSITIVE_INFINITY) {
  const outcomes: StepOutcome[] = []
  for (;;) {
    const step = nextStep(run, outcomes, outcomes.length >= cancelAfter)
    if (step === undefined) return outcomes
    outcomes.push({ step, ok: !fails(step) })
    if (outcomes.length > 20) throw new Error('a run must end')
  }
}

const names = (outcomes: StepOutcome[]) => outcomes.map((outcome) => outcome.step)

test('a run without failures performs every step in order', () => {
  for (const kind of ['backup', 'restore'] as const) {
    for (const staged of [true, false]) {
      expect(names(walk({ kind, staged }, () => false))).toEqual(stepsOf({ kind, staged }))
    }
  }
})

test('a failed lock is followed by the unlock alone', () => {
  expect(names(walk({ kind: 'backup', staged: true }, (step) => step === 'pre-backup-lock'))).toEqual([
    'pre-backup-lock',
    'post-backup-unlock',
  ])
})

test('a failed upload still cleans up and unlocks', () => {
  expect(names(walk({ kind: 'backup', staged: true }, (step) => step === 'upload')).slice(-2)).toEqual([
    'backup-cleanup',
    'post-backup-unlock',
  ])
})

test('a failed download unlocks and does not restore', () => {
  expect(names(walk({ kind: 'restore', staged: true }, (step) => step === 'download'))).toEqual([
    'pre-restore-lock',
    'download',
    'post-restore-unlock',
  ])
})

test('a drill checks what was verified, and drops the database after its restore has cleaned up', () => {
  const drill = { kind: 'restore', staged: false, drill: drillSteps } as const
  expect(names(walk(drill, () => false))).toEqual([
    'pre-restore-lock',
    'restore',
    'verify',
    'check',
    'restore-cleanup',
    'drill-cleanup',
    'post-restore-unlock',
  ])
  expect(names(walk(drill, (step) => step === 'restore')).slice(-3)).toEqual([
    'restore-cleanup',
    'drill-cleanup',
    'post-restore-unlock',
  ])
})

test('whatever fails or is cancelled, the always-run steps run exactly once and nothing else follows the failure', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<RunKind>('backup', 'restore'),
      fc.boolean(),
      fc.subarray([...drillSteps]),
      fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
      fc.option(fc.nat(9), { nil: Number.POSITIVE_INFINITY }),
      (kind, staged, drill, failures, cancelAfter) => {
        const run = { kind, staged, drill }
        const order = stepsOf(run)
        const outcomes = walk(run, (step) => failures[order.indexOf(step)] ?? false, cancelAfter)
        const ran = names(outcomes)
        expect(new Set(ran).size).toBe(ran.length)
        expect(ran).toEqual(order.filter((step) => ran.includes(step)))
        expect(ran.includes(`post-${kind}-unlock`)).toBe(ran.includes(`pre-${kind}-lock`))
        expect(ran.includes(`${kind}-cleanup`)).toBe(ran.includes(kind))
        expect(ran.includes('drill-cleanup')).toBe(order.includes('drill-cleanup') && ran.includes('restore'))
        const failedAt = outcomes.findIndex((outcome) => !outcome.ok)
        const stop = Math.min(failedAt === -1 ? Number.POSITIVE_INFINITY : failedAt + 1, cancelAfter)
        const alwaysRun = new Set<Step>([`${kind}-cleanup`, 'drill-cleanup', `post-${kind}-unlock`])
        expect(ran.slice(stop).filter((step) => !alwaysRun.has(step))).toEqual([])
      },
    ),
  )
})

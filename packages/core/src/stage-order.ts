import type { QueryStage, Stage } from '@osb-backup/protocol'

export type RunKind = 'backup' | 'restore'

/**
 * A step of a run: the script of a stage, or a transfer by the agent itself. Transfers are steps only where files
 * are staged on disk (scripts of form 1); scripts of form 2 stream within the stages `backup` and `restore`.
 */
export type Step = Exclude<Stage, QueryStage> | 'upload' | 'download'

/** How a step ended. */
export interface StepOutcome {
  step: Step
  ok: boolean
}

interface StepRule {
  step: Step
  /** An always-run step: it runs, whatever happens, if this earlier step was started, and only then. */
  alwaysAfter?: Step
}

const transfers: ReadonlySet<Step> = new Set<Step>(['upload', 'download'])

/** The order of steps, and which always run after a failure. This is the only place that defines it. */
const rules = {
  backup: [
    { step: 'pre-backup-lock' },
    { step: 'pre-backup-check' },
    { step: 'backup' },
    { step: 'upload' },
    { step: 'backup-cleanup', alwaysAfter: 'backup' },
    { step: 'post-backup-unlock', alwaysAfter: 'pre-backup-lock' },
  ],
  restore: [
    { step: 'pre-restore-lock' },
    { step: 'download' },
    { step: 'restore' },
    { step: 'verify' },
    { step: 'check' },
    { step: 'restore-cleanup', alwaysAfter: 'restore' },
    { step: 'drill-cleanup', alwaysAfter: 'restore' },
    { step: 'post-restore-unlock', alwaysAfter: 'pre-restore-lock' },
  ],
} as const satisfies Record<RunKind, readonly StepRule[]>

/** Steps that only restore drills have, if they are wanted. */
export const drillSteps = ['check', 'drill-cleanup'] as const satisfies readonly Step[]
export type DrillStep = (typeof drillSteps)[number]

/** What a run consists of. */
export interface RunShape {
  kind: RunKind
  /** Whether files are staged on disk, so that transfers are steps of their own. */
  staged: boolean
  /** The steps of a drill that are wanted; absent: it is none. */
  drill?: readonly DrillStep[] | undefined
}

const isStepOf = ({ staged, drill = [] }: RunShape, step: Step): boolean => {
  if (transfers.has(step)) return staged
  return !drillSteps.some((each) => each === step) || drill.some((each) => each === step)
}

/** The steps of a run in their order. */
export function stepsOf(run: RunShape): Step[] {
  return rules[run.kind].map((rule) => rule.step).filter((step) => isStepOf(run, step))
}

/**
 * Chooses the next step of a run. After a failure only always-run steps still run: unlock once the lock was started,
 * cleanup once backup or restore was started, each once.
 *
 * @param outcomes - The steps that have ended, in their order; not mutated. A step that was started and broken off
 *   (cancel, restart) counts as ended and not ok.
 * @param cancelled - Whether the job was cancelled: then only always-run steps still run.
 * @returns The step, or undefined at the end of the run.
 */
export function nextStep(run: RunShape, outcomes: readonly StepOutcome[], cancelled = false): Step | undefined {
  const started = new Set<Step>(outcomes.map((outcome) => outcome.step))
  const healthy = !cancelled && outcomes.every((outcome) => outcome.ok)
  const candidates: readonly StepRule[] = rules[run.kind]
  return candidates.find(({ step, alwaysAfter }) => {
    if (started.has(step) || !isStepOf(run, step)) return false
    return alwaysAfter === undefined ? healthy : started.has(alwaysAfter)
  })?.step
}

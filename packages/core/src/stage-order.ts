import type { Stage } from '@osb-backup/protocol'

export type RunKind = 'backup' | 'restore'

/**
 * A step of a run: the script of a stage, or a transfer by the agent itself. Transfers are steps only where files
 * are staged on disk (scripts of form 1); scripts of form 2 stream within the stages `backup` and `restore`.
 */
export type Step = Stage | 'upload' | 'download'

/** How a step ended. */
export interface StepOutcome {
  step: Step
  ok: boolean
}

interface StepRule {
  step: Step
  /** The step is owed, whatever happened, once this earlier one was started; and runs only then. */
  owedOnce?: Step
}

const transfers: ReadonlySet<Step> = new Set<Step>(['upload', 'download'])

/** Which step follows which, and what is owed after a failure. The one place that says so. */
const rules = {
  backup: [
    { step: 'pre-backup-lock' },
    { step: 'pre-backup-check' },
    { step: 'backup' },
    { step: 'upload' },
    { step: 'backup-cleanup', owedOnce: 'backup' },
    { step: 'post-backup-unlock', owedOnce: 'pre-backup-lock' },
  ],
  restore: [
    { step: 'pre-restore-lock' },
    { step: 'download' },
    { step: 'restore' },
    { step: 'restore-cleanup', owedOnce: 'restore' },
    { step: 'post-restore-unlock', owedOnce: 'pre-restore-lock' },
  ],
} as const satisfies Record<RunKind, readonly StepRule[]>

/** The steps of a run in their order, with the transfers or without. */
export function stepsOf(kind: RunKind, staged: boolean): Step[] {
  return rules[kind].map((rule) => rule.step).filter((step) => staged || !transfers.has(step))
}

/**
 * Chooses the next step of a run. After a failure only what is owed still runs: unlock once the lock was started,
 * cleanup once backup or restore was started, each once.
 *
 * @param staged - Whether files are staged on disk, so that transfers are steps of their own.
 * @param outcomes - The steps that have ended, in their order; not mutated. A step that was started and broken off
 *   (cancel, restart) counts as ended and not ok.
 * @param cancelled - Whether the run was cancelled: then only what is owed still runs.
 * @returns The step, or undefined when the run is over.
 */
export function nextStep(
  kind: RunKind,
  staged: boolean,
  outcomes: readonly StepOutcome[],
  cancelled = false,
): Step | undefined {
  const started = new Set<Step>(outcomes.map((outcome) => outcome.step))
  const healthy = !cancelled && outcomes.every((outcome) => outcome.ok)
  const candidates: readonly StepRule[] = rules[kind]
  return candidates.find(({ step, owedOnce }) => {
    if (started.has(step) || (transfers.has(step) && !staged)) return false
    return owedOnce === undefined ? healthy : started.has(owedOnce)
  })?.step
}

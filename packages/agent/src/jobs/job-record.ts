import { nextStep, type RunKind, type Step, stepsOf } from '@osb-backup/core'
import type { Warning } from '@osb-backup/protocol'
import type { ProcessIdentity } from '../scripts/process-identity.ts'
import type { JobRequest } from './job-request.ts'

/** A step of a run, from its start. */
export interface StepRecord {
  step: Step
  /** Undefined while it runs. */
  ok?: boolean
  /** The agent ended while the step ran. One that is owed is then taken again, in a record of its own. */
  isInterrupted?: boolean
  /** Why it failed; masked. */
  problem?: string
  /** What its script printed; masked, there when the step is over. */
  stdout: string
  stderr: string
}

/** What a backup left at the store. */
export interface StoredDump {
  /** Without the prefix. */
  filename: string
  sizeBytes: number
  sha256: string
  /** Before compression and encryption, where the agent did those. */
  originalSizeBytes?: number
  originalSha256?: string
}

/** A job of this agent, running or over. Plain data: all that the journal keeps. */
export interface JobRecord {
  readonly request: JobRequest
  readonly form: 1 | 2
  readonly startedAt: Date
  endedAt?: Date
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED'
  steps: StepRecord[]
  /** Why the job failed though no step did: no directory to work in, a cancel. Masked. */
  problem?: string
  stored?: StoredDump
  progress: { bytesRead: number; bytesStored: number }
  /** What its scripts warned of so far. Masked. */
  warnings: Warning[]
  /** Somebody deleted it while it ran: it goes when it is over. */
  isDeleted?: boolean
  /** The script that runs, recorded before it begins. */
  process?: ProcessIdentity
  /** The object that an upload on its way makes, recorded before the upload begins. Its name holds the prefix. */
  upload?: { name: string; beganAt: Date }
  /** The file that a download makes, recorded before the download begins. */
  downloadPath?: string
  /** What a crash left that could not be removed. Masked. */
  incompleteUpload?: string
}

/** A record of a job that is about to start. */
export function newJob(request: JobRequest, form: 1 | 2, startedAt: Date): JobRecord {
  return {
    request,
    form,
    startedAt,
    status: 'RUNNING',
    steps: [],
    progress: { bytesRead: 0, bytesStored: 0 },
    warnings: [],
  }
}

/** The step that comes next, or undefined when the run is over. An owed step that was interrupted is still owed. */
export function nextStepOf(job: JobRecord, isCancelled: boolean): Step | undefined {
  const counted = job.steps.filter(({ step, isInterrupted }) => !(isInterrupted && isAlwaysRun(step)))
  const outcomes = counted.map(({ step, ok }) => ({ step, ok: ok === true }))
  const hasFailed = job.problem !== undefined || job.steps.some(({ ok }) => ok === false)
  return nextStep(job.request.kind, job.form === 1, outcomes, isCancelled || hasFailed)
}

/** The step that runs, or the one that is about to. */
export function currentStepOf(job: JobRecord): Step | undefined {
  return (job.steps.at(-1) ?? { step: stepsOf(job.request.kind, job.form === 1)[0] }).step
}

/** Whether every step of the run was taken and ended well. */
export function isComplete(job: JobRecord): boolean {
  const { steps } = job
  const wanted = stepsOf(job.request.kind, job.form === 1)
  const isTaken = (step: Step) => steps.some((taken) => taken.step === step)
  return job.problem === undefined && steps.every(({ ok }) => ok === true) && wanted.every(isTaken)
}

/** The stage that is owed at the end of a run, and must never be broken off. */
export const isAlwaysRun = (step: Step): boolean => step.endsWith('-cleanup') || step.endsWith('-unlock')

/** Whether a cleanup or an unlock failed, and was not made good by a later one. */
export function hasFailedCleanup(job: JobRecord): boolean {
  return job.steps.some(
    ({ step, ok }) =>
      isAlwaysRun(step) && ok === false && job.steps.findLast((each) => each.step === step)?.ok !== true,
  )
}

/** The first failure first, what came on top of it after; undefined if nothing failed. */
export function errorMessageOf(job: JobRecord): string | undefined {
  const problems = job.steps.flatMap(({ step, problem, isInterrupted }) => {
    if (problem === undefined) return []
    if (isInterrupted) return [problem]
    const loud = step.endsWith('-unlock') ? 'UNLOCK FAILED, the database may still be locked: ' : ''
    return [`${loud}${step}: ${problem}`]
  })
  const all = [job.problem, ...problems, job.incompleteUpload].filter((each) => each !== undefined)
  return all.length === 0 ? undefined : all.join('\nThen: ')
}

/** The first step that failed. */
export const failedStepOf = (job: JobRecord): Step | undefined => job.steps.find(({ ok }) => ok === false)?.step

/**
 * Takes note that the agent ended while a job ran. A step that ran is one that failed; where none ran, the next one
 * is named, but nothing was begun that would have to be undone.
 */
export function interrupt(job: JobRecord): void {
  const last = job.steps.at(-1)
  if (last !== undefined && last.ok === undefined) {
    last.ok = false
    last.isInterrupted = true
    last.problem = `agent was restarted during ${last.step}`
    return
  }
  const next = nextStepOf(job, false)
  // Where nothing is left to do, only the end was not written down.
  if (next !== undefined && errorMessageOf(job) === undefined) job.problem = `agent was restarted during ${next}`
}

/** Which jobs a kind and an id name. */
export type JobKey = { kind: RunKind; id: string }

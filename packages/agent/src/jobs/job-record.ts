import { nextStep, type RunKind, type Step, stepsOf } from '@osb-backup/core'
import type { JobRequest } from './job-request.ts'

/** A step of a run, from its start. */
export interface StepRecord {
  step: Step
  /** Undefined while it runs. A run that finds such a step after a restart takes it as failed. */
  ok?: boolean
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
}

/** A job of this agent, running or over. Plain data: all that a journal has to keep. */
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
}

/** A record of a job that is about to start. */
export function newJob(request: JobRequest, form: 1 | 2, startedAt: Date): JobRecord {
  return { request, form, startedAt, status: 'RUNNING', steps: [], progress: { bytesRead: 0, bytesStored: 0 } }
}

/** The step that comes next, or undefined when the run is over. */
export function nextStepOf(job: JobRecord, isCancelled: boolean): Step | undefined {
  const outcomes = job.steps.map(({ step, ok }) => ({ step, ok: ok === true }))
  return nextStep(job.request.kind, job.form === 1, outcomes, isCancelled)
}

/** The step that runs, or the one that is about to. */
export function currentStepOf(job: JobRecord): Step | undefined {
  return (job.steps.at(-1) ?? { step: stepsOf(job.request.kind, job.form === 1)[0] }).step
}

/** Whether every step of the run was taken and ended well. */
export function isComplete(job: JobRecord): boolean {
  return (
    job.problem === undefined &&
    stepsOf(job.request.kind, job.form === 1).every((step) =>
      job.steps.some((taken) => taken.step === step && taken.ok === true),
    )
  )
}

/** The stage that is owed at the end of a run, and must never be broken off. */
export const isOwed = (step: Step): boolean => step.endsWith('-cleanup') || step.endsWith('-unlock')

/** The first failure first, what came on top of it after; undefined if nothing failed. */
export function errorMessageOf(job: JobRecord): string | undefined {
  const problems = job.steps.flatMap(({ step, problem }) => {
    if (problem === undefined) return []
    const loud = step.endsWith('-unlock') ? 'UNLOCK FAILED, the database may still be locked: ' : ''
    return [`${loud}${step}: ${problem}`]
  })
  const all = [...(job.problem === undefined ? [] : [job.problem]), ...problems]
  return all.length === 0 ? undefined : all.join('\nThen: ')
}

/** The first step that failed. */
export const failedStepOf = (job: JobRecord): Step | undefined => job.steps.find(({ ok }) => ok === false)?.step

/** Which jobs a kind and an id name. */
export type JobKey = { kind: RunKind; id: string }

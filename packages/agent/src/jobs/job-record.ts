import { type DrillStep, nextStep, type RunKind, type RunShape, type Step, stepsOf } from '@osb-backup/core'
import type { AgentCheckResult, AgentFailureCode, AgentTransforms, Warning } from '@osb-backup/protocol'
import type { AnnouncedObject } from '@osb-backup/storage'
import type { ProcessIdentity } from '../scripts/process-identity.ts'
import type { JobRequest } from './job-request.ts'

/** A step of a run, from its start. */
export interface StepRecord {
  step: Step
  /** Undefined while it runs. */
  ok?: boolean
  /** When it started and ended; absent in the journals of older agents. */
  startedAt?: Date
  endedAt?: Date
  /** It has no script: nothing ran. */
  isSkipped?: boolean
  /** The number of the attempt, from the second one on. */
  attempt?: number
  /** The agent stopped while the step ran. An always-run step then runs again, with a new record. */
  isInterrupted?: boolean
  /** Why it failed; masked. */
  problem?: string
  /** The same for programs, where it may be over at another attempt. */
  failureCode?: AgentFailureCode
  /** The output of its script; masked, set when the step has finished. */
  stdout: string
  stderr: string
}

/** The stored object of a backup. */
export interface StoredDump {
  /** Without the prefix. */
  filename: string
  sizeBytes: number
  sha256: string
  /** SHA-256 of its manifest, if it has one. */
  root?: string
  /** Before compression and encryption, if the agent did those. */
  originalSizeBytes?: number
  originalSha256?: string
  transforms?: AgentTransforms
}

/** An upload in progress, recorded before it begins. */
export interface UploadRecord {
  /** Includes the prefix. */
  name: string
  beganAt: Date
  /** Under which its parts are stored, once some may be. */
  id?: string
  /** The object, once it may have been created. */
  expected?: AnnouncedObject
}

/** A job of this agent, running or finished. Plain data: everything that the journal keeps. */
export interface JobRecord {
  readonly request: JobRequest
  readonly form: 1 | 2
  readonly startedAt: Date
  endedAt?: Date
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED'
  steps: StepRecord[]
  /** Why the job failed although no step did: a missing directory, a cancellation. Masked. */
  problem?: string
  /** Of a failure that is none of a step. */
  failureCode?: AgentFailureCode
  stored?: StoredDump
  progress: { bytesRead: number; bytesStored: number }
  /** How large the dump is going to be, as its check stage estimates. */
  expectedBytes?: number
  /** The warnings of its scripts so far. Masked. */
  warnings: Warning[]
  /** Drills: the checks that have run. Masked. */
  checks?: AgentCheckResult[]
  /** It was deleted while it ran, and disappears when it has finished. */
  isDeleted?: boolean
  /** The always-run steps that had a script when the job began. Each must still have one when it runs. */
  ownScripts?: Step[]
  /** When its lock script was started; until the unlock script has succeeded, or an operator unlocked the database. */
  lockedSince?: Date
  /** When an operator marked the database as unlocked, because the unlock script had failed. */
  markedUnlockedAt?: Date
  /** The running script, recorded before it starts. */
  process?: ProcessIdentity
  /** Kept until nothing is left of it that is not the stored object. */
  upload?: UploadRecord
  /** The file of a download, recorded before the download begins. */
  downloadPath?: string
  /** Why an incomplete upload may be left in the store. Masked. */
  incompleteUpload?: string
}

/** The record of a job that is about to start. */
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

/** Which steps a job consists of. Where the agent transfers a file, that is a step of its own. */
function shapeOf({ form, request: { kind, skipStorage, drill } }: JobRecord): RunShape {
  const wanted: DrillStep[] = drill?.isDropped ? ['drill-cleanup'] : []
  if (drill !== undefined && drill.checks.length > 0) wanted.push('check')
  return { kind, staged: form === 1 && !skipStorage, drill: wanted }
}

/** The next step, or undefined when the job has finished. An always-run step that was interrupted runs again. */
export function nextStepOf(job: JobRecord, isCancelled: boolean): Step | undefined {
  const counted = job.steps.filter(({ step, isInterrupted }) => !(isInterrupted && isAlwaysRun(step)))
  const outcomes = counted.map(({ step, ok }) => ({ step, ok: ok === true }))
  const hasFailed = job.problem !== undefined || job.steps.some(({ ok }) => ok === false)
  return nextStep(shapeOf(job), outcomes, isCancelled || hasFailed)
}

/** The running step, or the one that starts next. */
export function currentStepOf(job: JobRecord): Step | undefined {
  return (job.steps.at(-1) ?? { step: stepsOf(shapeOf(job))[0] }).step
}

/** Whether every step has run and succeeded. */
export function isComplete(job: JobRecord): boolean {
  const { steps } = job
  const wanted = stepsOf(shapeOf(job))
  const isTaken = (step: Step) => steps.some((taken) => taken.step === step)
  return job.problem === undefined && steps.every(({ ok }) => ok === true) && wanted.every(isTaken)
}

/** Whether a step runs at the end of every job, also after a failure or a cancellation. */
export const isAlwaysRun = (step: Step): boolean => step.endsWith('-cleanup') || step.endsWith('-unlock')

/** All failures, the first one first; undefined if nothing failed. Of several attempts of a step one is named. */
export function errorMessageOf(job: JobRecord): string | undefined {
  const problems = job.steps.flatMap((record, index) => {
    const { step, problem, isInterrupted } = record
    if (problem === undefined) return []
    if (isInterrupted) return [problem]
    const later = job.steps.slice(index + 1).filter((each) => each.step === step)
    const succeeded = later.find(({ ok }) => ok === true)
    if (succeeded !== undefined) return [`${step}: ${problem} (attempt ${succeeded.attempt ?? 2} succeeded)`]
    if (later.some((each) => each.problem !== undefined && !each.isInterrupted)) return []
    return [`${unlockState(job, step)}${step}: ${problem}`]
  })
  const all = [job.problem, ...problems, job.incompleteUpload].filter((each) => each !== undefined)
  return all.length === 0 ? undefined : all.join('\nThen: ')
}

function unlockState({ markedUnlockedAt }: JobRecord, step: Step): string {
  if (!step.endsWith('-unlock')) return ''
  return markedUnlockedAt === undefined
    ? 'UNLOCK FAILED, the database may still be locked: '
    : 'unlock failed, and an operator marked the database as unlocked: '
}

/** The code of the first failure, where it has one. */
export function failureCodeOf(job: JobRecord): AgentFailureCode | undefined {
  if (job.problem !== undefined || job.failureCode !== undefined) return job.failureCode
  return job.steps.find(({ ok }) => ok === false)?.failureCode
}

/** The first step that failed. */
export const failedStepOf = (job: JobRecord): Step | undefined => job.steps.find(({ ok }) => ok === false)?.step

/**
 * Records that the agent stopped while a job ran. The running step counts as failed. If none was running, the message
 * names the next one, which has not started.
 */
export function interrupt(job: JobRecord): void {
  const last = job.steps.at(-1)
  if (last !== undefined && last.ok === undefined) {
    last.ok = false
    last.isInterrupted = true
    last.problem = `agent was restarted during ${last.step}`
    last.failureCode = 'agent-restarted'
    return
  }
  if (job.status !== 'RUNNING') return
  const next = nextStepOf(job, false)
  // If no step is left, only the end was not recorded.
  if (next === undefined || errorMessageOf(job) !== undefined) return
  job.problem = `agent was restarted during ${next}`
  job.failureCode = 'agent-restarted'
}

/** Records that a job is cancelled because the agent shuts down, so that a failure is known to be none of the job's own. */
export function noteShutdown(job: JobRecord): void {
  if (errorMessageOf(job) === undefined) job.failureCode = 'agent-restarted'
}

/** The key of a job. */
export type JobKey = { kind: RunKind; id: string }

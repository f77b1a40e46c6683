import type { DrillVerdict, RunKind } from '@osb-backup/core'
import type { AgentJob, FailureCode, JobStatus } from '@osb-backup/protocol'
import type { Compressor } from '../plans/plan.ts'
import type { VerificationState } from '../restore-points/restore-point.ts'
import type { Drill } from './drill.ts'

interface JobFields {
  id: string
  status: JobStatus
  destinationId: string
  startedAt: Date
  /** When it began to run; undefined: it has not. */
  beganAt: Date | undefined
  endedAt: Date | undefined
  /** Set if it was cancelled: when and by whom. */
  cancelled: { at: Date; by: string } | undefined
}

/** One run of a plan. */
export interface BackupJob extends JobFields {
  kind: 'backup'
  /** The instance that is dumped. */
  instanceId: string
  /** The plan it runs for; it may be deleted. */
  planId: string
  compression: boolean
  compressor: Compressor
  publicKey: string | undefined
  /** When the run was due; undefined: a user started it. */
  dueAt: Date | undefined
  /** It started later than it should have, after an outage. */
  late: boolean
  attempt: Attempt
  /** How many of its parts run at the same time at most. */
  parallelItems: number
  parts: BackupPart[]
}

/** Which attempt of a scheduled run a job is, and which others there are. */
export interface Attempt {
  /** 1 for the first. */
  number: number
  /** Undefined: this is the first. */
  firstId: string | undefined
  previousId: string | undefined
  /** The attempt that followed; undefined: none did so far. */
  nextId: string | undefined
  /** When the next attempt starts; undefined: none is scheduled. */
  nextAt: Date | undefined
}

/** The attempt of a run that was not retried so far. */
export const FIRST_ATTEMPT: Attempt = {
  number: 1,
  firstId: undefined,
  previousId: undefined,
  nextId: undefined,
  nextAt: undefined,
}

/** One attempt of a scheduled run. */
export interface RunAttempt {
  jobId: string
  number: number
  status: JobStatus
  isCancelled: boolean
  startedAt: Date
  endedAt: Date | undefined
}

/** Parameters of scripts, by name. */
export type ScriptParameters = Record<string, string | number | boolean>

/** One restore of restore points that one backup job left. */
export interface RestoreJob extends JobFields {
  kind: 'restore'
  /** The instance that is written. */
  instanceId: string
  /** The plan of the backup job. */
  planId: string
  /** The backup job that is restored. */
  sourceJobId: string
  /** The drill that it belongs to; undefined: none. */
  drillId?: string | undefined
  /** Decrypts what is restored. Erased when the job has ended. */
  privateKey: string | undefined
  /** Passed to the scripts; they override the parameters of the service instance. Erased when the job has ended. */
  parameters: ScriptParameters
  parts: RestorePart[]
}

/** Reads the object of a restore point and compares it with what was recorded. */
export interface VerifyJob extends JobFields {
  kind: 'verify'
  /** The instance of the restore point. */
  instanceId: string
  /** The plan of the restore point. */
  planId: string
  /** The backup job that left the restore point. */
  sourceJobId: string
  /** How many percent of the chunks are read, chosen at random; undefined: all. */
  samplePercent: number | undefined
  parts: VerifyPart[]
}

/** Proves that items of a plan can be restored: restores each into a drill target, checks it, and cleans up. */
export interface DrillJob extends JobFields {
  kind: 'drill'
  /** The instance of the restore points. */
  instanceId: string
  /** The plan that is proven to be restorable. */
  planId: string
  /** What it does, and did. */
  drill: Drill
  parts: DrillPart[]
}

/** A job that runs at an agent, in stages. */
export type JobAtAgent = BackupJob | RestoreJob

export type Job = JobAtAgent | VerifyJob | DrillJob

/** Whether a job runs at an agent. */
export const isAtAgent = (job: Job): job is JobAtAgent => job.kind === 'backup' || job.kind === 'restore'

/** A job that keeps a part from beginning. */
export interface Blocker {
  jobId: string
  kind: RunKind
  /** It works on the database; otherwise it is a restore that comes first. */
  isWorking: boolean
}

interface PartFields {
  position: number
  item: string
  status: JobStatus
  /** Whether the agent has accepted the part. */
  accepted: boolean
  /** What the agent answered last. */
  agentStatus: AgentJob | undefined
  /** Why the part failed, if the agent did not report it. */
  error: string | undefined
  /** Why it failed, for programs. */
  failureCode: FailureCode | undefined
  /** The agent that it is, or was, at; undefined: it has not begun. */
  agentId: string | undefined
  /** The job that keeps it from beginning; undefined: none does, or it has begun. */
  waitingFor: Blocker | undefined
  /** Set while its database is locked, which may outlast the part. */
  lock: DatabaseLock | undefined
}

/** That a part has locked its database. */
export interface DatabaseLock {
  since: Date
  /** How often unlocking it failed; 0: it was not tried yet. */
  unlockAttempts: number
}

/** What a backup job does for one item; runs at the agent under `agentJobId`. */
export interface BackupPart extends PartFields {
  /** Set once the file is stored: the name of its object is both together. */
  prefix: string | undefined
  filename: string | undefined
}

/** What a restore job does for one item; runs at the agent under `agentJobId`. */
export interface RestorePart extends PartFields {
  /** The database that is written. */
  database: string
  restorePointId: string
}

/** What a verification does for one restore point. */
export interface VerifyPart extends PartFields {
  restorePointId: string
  bytesRead: number | undefined
  /** What was found; undefined: it has not ended, or was inconclusive. */
  verified: VerificationState | undefined
}

/** What a drill does for one item. */
export interface DrillPart extends PartFields {
  /** What is restored; undefined: it is not chosen yet, or there is nothing. */
  restorePointId: string | undefined
  /** When that was taken. */
  takenAt: Date | undefined
  /** The database that is restored into; undefined: it is not chosen yet. */
  database: string | undefined
  /** The restore job; undefined: none was started. */
  restoreJobId: string | undefined
  /** What came of it; undefined: it is not known yet. */
  verdict: DrillVerdict | undefined
}

/** A part that runs at an agent. */
export type PartAtAgent = BackupPart | RestorePart

/** A part that has begun, as it is recorded: an earlier run of it, here or at another manager, may have changed it. */
export interface BegunPart {
  position: number
  /** By the database's clock. */
  begunAt: Date
  place: ReservedPlace
  /** A request to start it may have reached its agent. */
  mayHaveStarted: boolean
  /** Its agent has accepted it. */
  isAccepted: boolean
  /** Its outcome was unknown: it is followed, and not started so late. */
  wasUnknown: boolean
  /** Its agent has been busy or unreachable since some time. */
  hasSetbacks: boolean
  /** What the agent answered last. */
  agentStatus: AgentJob | undefined
}

/** Where a part works on its database, whatever is registered by now. */
export interface ReservedPlace {
  agentId: string
  /** Its normalized URL when the part began. */
  agentUrl: string
  host: string
  port: number
}

/** How a part begins. */
export const NEW_PART = {
  status: 'STARTED',
  accepted: false,
  agentStatus: undefined,
  error: undefined,
  failureCode: undefined,
  agentId: undefined,
  waitingFor: undefined,
  lock: undefined,
} as const satisfies Partial<PartFields>

/** What a list of jobs is filtered by. */
export interface JobFilter {
  instanceId: string
  kind: RunKind
  status?: JobStatus | undefined
}

/** The lock that an agent reports with a job; undefined: none, or one whose time cannot be read. */
export function lockOfAgentJob({ locked_since, unlock_attempts = 0 }: AgentLock): DatabaseLock | undefined {
  const since = new Date(locked_since ?? '')
  return Number.isNaN(since.getTime()) ? undefined : { since, unlockAttempts: unlock_attempts }
}

type AgentLock = Pick<AgentJob, 'locked_since' | 'unlock_attempts'>

/** The id of a part at its agent: always the same, so that whichever manager claims the job finds what was started. */
export function agentJobId(job: Pick<JobAtAgent, 'id'>, part: Pick<PartAtAgent, 'position'>): string {
  return `${job.id}${part.position}`
}

/**
 * The prefix of every object of a plan. Existing tools look for `<planId>/<filename>`. Only objects of agents that ignore it
 * have none.
 */
export function prefixOfPlan(planId: string): string {
  return `${planId}/`
}

/** A job with the manager that has it locked; undefined: none has. */
export interface JobLock {
  id: string
  lockedBy: string | undefined
}

/** Another manager has the job locked now, and records its results. */
export class JobLockLost extends Error {
  override readonly name = 'JobLockLost'

  constructor(jobId: string) {
    super(`job ${jobId} is locked by another manager`)
  }
}

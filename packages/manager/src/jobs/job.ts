import type { RunKind } from '@osb-backup/core'
import type { AgentJob, JobStatus } from '@osb-backup/protocol'
import type { Compressor } from '../plans/plan.ts'

/** One run of a plan, or one restore. */
export interface Job {
  id: string
  kind: RunKind
  status: JobStatus
  /** Backups: the instance that is dumped. Restores: the one that is written. */
  instanceId: string
  planId: string | undefined
  destinationId: string
  /** Restores: the backup job that is restored. */
  sourceJobId: string | undefined
  compression: boolean
  /** Backups: how it is compressed. */
  compressor: Compressor
  publicKey: string | undefined
  /** Restores: opens what is restored. Erased when the job is over. */
  privateKey: string | undefined
  /** Restores: handed to the scripts, before the parameters of the service instance. */
  parameters: Record<string, string | number | boolean>
  /** Backups that a schedule started: when the run was due. */
  dueAt: Date | undefined
  /** It started later than it should, after an outage. */
  late: boolean
  startedAt: Date
  endedAt: Date | undefined
  /** Somebody wants it to end: when and who. */
  cancelled: { at: Date; by: string } | undefined
  parts: JobPart[]
}

/** What a job does for one item; runs on the agent under `agentJobId`. */
export interface JobPart {
  position: number
  item: string
  /** The database that is dumped or written. */
  database: string
  status: JobStatus
  restorePointId: string | undefined
  /** Backups: set when the file is stored. Restores: the file that is restored. */
  filename: string | undefined
  /** Whether the agent has said that it took the part. */
  accepted: boolean
  /** What the agent said last. */
  report: AgentJob | undefined
  /** Why the part failed, where the agent could not say it. */
  error: string | undefined
}

/** The id of a part at its agent: always the same, so that whoever takes a job over finds what was started. */
export function agentJobId(job: Pick<Job, 'id'>, part: Pick<JobPart, 'position'>): string {
  return `${job.id}${part.position}`
}

/** What every file of a plan is stored under. Existing tools look for `<planId>/<filename>`. */
export function prefixOfPlan(planId: string): string {
  return `${planId}/`
}

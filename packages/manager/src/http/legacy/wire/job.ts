import {
  type AgentJob,
  type BackupPart,
  backupStages,
  type JobStatus,
  type RestorePart,
  restoreStages,
  type Stage,
  stageLogField,
  type Job as WireJob,
} from '@osb-backup/protocol'
import type { FileDestination } from '../../../destinations/destination.ts'
import type { ServiceInstance } from '../../../instances/instance.ts'
import { type Job, type JobPart, prefixOfPlan } from '../../../jobs/job.ts'
import type { BackupPlan } from '../../../plans/plan.ts'
import { invariant } from '../../../shared/invariant.ts'
import { planToWire } from './backup-plan.ts'
import { destinationToWire } from './file-destination.ts'
import { instantToWire } from './instant.ts'
import { instanceToWire } from './service-instance.ts'

/** What a job's answer shows besides the job itself. */
export interface JobSurroundings {
  instances: ReadonlyMap<string, ServiceInstance>
  destinations: ReadonlyMap<string, FileDestination>
  plans: ReadonlyMap<string, BackupPlan>
}

/** A job as clients read it, of either kind. */
export function jobToWire(job: Job, { instances, destinations, plans }: JobSurroundings): WireJob {
  const instance = instances.get(job.instanceId)
  const destination = destinations.get(job.destinationId)
  invariant(instance && destination, `job ${job.id} has an instance and a destination`)
  const plan = job.planId === undefined ? undefined : plans.get(job.planId)
  const planInstance = plan && instances.get(plan.instanceId)
  const planDestination = plan && destinations.get(plan.destinationId)
  const fields = {
    id: job.id,
    idAsString: job.id,
    startDate: instantToWire(job.startedAt),
    endDate: job.endedAt && instantToWire(job.endedAt),
    serviceInstance: instanceToWire(instance),
    status: job.status,
    jobLogs: [],
    dueDate: job.dueAt && instantToWire(job.dueAt),
    ...(job.dueAt === undefined ? {} : { late: job.late }),
    cancellation: job.cancelled && { at: instantToWire(job.cancelled.at), by: job.cancelled.by },
    backupPlan: plan && planInstance && planDestination && planToWire(plan, planInstance, planDestination),
  }
  const prefix = prefixOfPlan(job.planId ?? '')
  if (job.kind === 'restore') {
    const parts = job.parts.map((part) => [part.item, restorePartToWire(part)] as const)
    return { jobType: 'RESTORE', ...fields, agentExecutionReponses: Object.fromEntries(parts) }
  }
  const parts = job.parts.map((part) => [part.item, backupPartToWire(part, prefix)] as const)
  const files = job.parts.flatMap((part) => (part.filename === undefined ? [] : [[part.item, part.filename] as const]))
  return {
    jobType: 'BACKUP',
    ...fields,
    destination: destinationToWire(destination, instance, prefix),
    agentExecutionReponses: Object.fromEntries(parts),
    files: Object.fromEntries(files),
  }
}

function backupPartToWire(part: JobPart, prefix: string): BackupPart {
  const { report } = part
  return {
    ...commonFields(part),
    filenamePrefix: prefix,
    filename: part.filename ?? report?.filename ?? null,
    filesize: report?.filesize ?? null,
    sha256: report?.sha256 ?? null,
    original_filesize: report?.original_filesize ?? null,
    ...logFields(backupStages, report),
  } as BackupPart
}

function restorePartToWire(part: JobPart): RestorePart {
  return { ...commonFields(part), ...logFields(restoreStages, part.report) } as RestorePart
}

function commonFields({ status, report, error }: JobPart) {
  return {
    status: status satisfies JobStatus,
    message: report?.message ?? null,
    error_message: error ?? report?.error_message ?? null,
    start_time: timeToWire(report?.start_time),
    end_time: timeToWire(report?.end_time),
    execution_time_ms: report?.execution_time_ms ?? null,
    state: report?.state ?? null,
    failed_stage: report?.failed_stage ?? null,
    progress: report?.progress ?? null,
    warnings: report?.warnings ?? [],
  }
}

function logFields(stages: readonly Stage[], report: AgentJob | undefined): Record<string, string | null> {
  const fields = stages.flatMap((stage) => [stageLogField(stage, 'log'), stageLogField(stage, 'errorlog')])
  return Object.fromEntries(fields.map((field) => [field, textIn(report?.[field])]))
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** An agent's time as the API writes times; one that cannot be read is left out. */
function timeToWire(time: string | undefined): string | null {
  const instant = new Date(time ?? '')
  return Number.isNaN(instant.getTime()) ? null : instantToWire(instant)
}

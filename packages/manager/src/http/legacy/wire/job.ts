import {
  type AgentJob,
  type BackupPart,
  backupStages,
  type JobStatus,
  publishedRestoreStages,
  type RestorePart,
  type Stage,
  stageLogField,
  type Job as WireJob,
} from '@osb-backup/protocol'
import type { FileDestination } from '../../../destinations/destination.ts'
import type { ServiceInstance } from '../../../instances/instance.ts'
import {
  type JobAtAgent,
  type PartAtAgent,
  prefixOfPlan,
  type BackupPart as StoredBackupPart,
} from '../../../jobs/job.ts'
import type { BackupPlan } from '../../../plans/plan.ts'
import { invariant } from '../../../shared/invariant.ts'
import { planToWire } from './backup-plan.ts'
import { destinationToWire } from './file-destination.ts'
import { instantToWire } from './instant.ts'
import { instanceToWire } from './service-instance.ts'

/** What the answer shows besides the job itself, by id. */
export interface JobReferences {
  instances: ReadonlyMap<string, ServiceInstance>
  destinations: ReadonlyMap<string, FileDestination>
  plans: ReadonlyMap<string, BackupPlan>
}

/** A job as clients read it, of either kind. */
export function jobToWire(job: JobAtAgent, { instances, destinations, plans }: JobReferences): WireJob {
  const instance = instances.get(job.instanceId)
  const destination = destinations.get(job.destinationId)
  invariant(instance && destination, `job ${job.id} has an instance and a destination`)
  const plan = plans.get(job.planId)
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
    cancellation: job.cancelled && { at: instantToWire(job.cancelled.at), by: job.cancelled.by },
    backupPlan: plan && planInstance && planDestination && planToWire(plan, planInstance, planDestination),
  }
  const prefix = prefixOfPlan(job.planId)
  if (job.kind === 'restore') {
    const parts = job.parts.map((part) => [part.item, restorePartToWire(part)] as const)
    return { jobType: 'RESTORE', ...fields, agentExecutionReponses: Object.fromEntries(parts) }
  }
  const parts = job.parts.map((part) => [part.item, backupPartToWire(part, prefix)] as const)
  const files = job.parts.flatMap((part) => (part.filename === undefined ? [] : [[part.item, part.filename] as const]))
  return {
    jobType: 'BACKUP',
    ...fields,
    dueDate: job.dueAt && instantToWire(job.dueAt),
    ...(job.dueAt === undefined ? {} : { late: job.late }),
    destination: destinationToWire(destination, instance, prefix),
    agentExecutionReponses: Object.fromEntries(parts),
    files: Object.fromEntries(files),
  }
}

function backupPartToWire(part: StoredBackupPart, prefix: string): BackupPart {
  const { agentStatus } = part
  return {
    ...commonFields(part),
    filenamePrefix: part.prefix ?? prefix,
    filename: part.filename ?? agentStatus?.filename ?? null,
    filesize: agentStatus?.filesize ?? null,
    sha256: agentStatus?.sha256 ?? null,
    original_filesize: agentStatus?.original_filesize ?? null,
    ...logFields(backupStages, agentStatus),
  } as BackupPart
}

function restorePartToWire(part: PartAtAgent): RestorePart {
  return { ...commonFields(part), ...logFields(publishedRestoreStages, part.agentStatus) } as RestorePart
}

function commonFields({ status, agentStatus, error }: PartAtAgent) {
  return {
    status: status satisfies JobStatus,
    message: agentStatus?.message ?? null,
    error_message: error ?? agentStatus?.error_message ?? null,
    start_time: timeToWire(agentStatus?.start_time),
    end_time: timeToWire(agentStatus?.end_time),
    execution_time_ms: agentStatus?.execution_time_ms ?? null,
    state: agentStatus?.state ?? null,
    failed_stage: agentStatus?.failed_stage ?? null,
    progress: agentStatus?.progress ?? null,
    warnings: agentStatus?.warnings ?? [],
  }
}

function logFields(stages: readonly Stage[], agentStatus: AgentJob | undefined): Record<string, string | null> {
  const fields = stages.flatMap((stage) => [stageLogField(stage, 'log'), stageLogField(stage, 'errorlog')])
  return Object.fromEntries(fields.map((field) => [field, textIn(agentStatus?.[field])]))
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** An agent's time as the API writes times; an invalid one is omitted. */
function timeToWire(time: string | undefined): string | null {
  const instant = new Date(time ?? '')
  return Number.isNaN(instant.getTime()) ? null : instantToWire(instant)
}

import { type AgentJob, backupStages, restoreStages, stageLogField } from '@osb-backup/protocol'
import type { JobLog, Job as WireJob, JobPart as WirePart } from '@osb-backup/protocol/v1'
import type { FastifyReply } from 'fastify'
import {
  type BackupPart,
  FIRST_ATTEMPT,
  isAtAgent,
  type Job,
  type JobAtAgent,
  type PartAtAgent,
  prefixOfPlan,
  type VerifyJob,
  type VerifyPart,
} from '../../jobs/job.ts'
import { describeBlocker } from '../../jobs/reservations.ts'
import { drillPartToWire, drillToWire } from './drill-codec.ts'
import { stateOf } from './job-states.ts'

type AgentStage = NonNullable<AgentJob['stages']>[number]

/** A job as the API answers it. */
export function jobToWire(job: Job): WireJob {
  const due = job.kind === 'backup' ? { dueAt: job.dueAt?.toISOString(), late: job.late } : { late: false }
  const attempt = job.kind === 'backup' ? job.attempt : FIRST_ATTEMPT
  return {
    id: job.id,
    kind: job.kind,
    state: stateOf(job.status, job.cancelled !== undefined),
    instanceId: job.instanceId,
    planId: job.planId,
    destinationId: job.destinationId,
    ...kindFields(job),
    ...due,
    attempt: attempt.number,
    previousAttemptId: attempt.previousId,
    nextAttemptId: attempt.nextId,
    nextAttemptAt: attempt.nextAt?.toISOString(),
    createdAt: job.startedAt.toISOString(),
    startedAt: job.beganAt?.toISOString(),
    endedAt: job.endedAt?.toISOString(),
    durationSeconds: job.endedAt && job.beganAt && (job.endedAt.getTime() - job.beganAt.getTime()) / 1000,
    cancellation: job.cancelled && {
      requestedAt: job.cancelled.at.toISOString(),
      requestedBy: job.cancelled.by,
    },
    parts: partsToWire(job),
  }
}

/** What jobs of a kind have besides. */
function kindFields(job: Job): Pick<WireJob, 'sourceJobId' | 'samplePercent' | 'drillId' | 'drill'> {
  switch (job.kind) {
    case 'backup':
      return {}
    case 'restore':
      return { sourceJobId: job.sourceJobId, drillId: job.drillId }
    case 'verify':
      return { sourceJobId: job.sourceJobId, samplePercent: job.samplePercent }
    case 'drill':
      return { drill: drillToWire(job.drill) }
  }
}

function partsToWire(job: Job): WirePart[] {
  if (job.kind === 'verify') return job.parts.map((part) => verifyPartToWire(part, job))
  if (job.kind === 'drill') return job.parts.map((part) => drillPartToWire(part, job))
  return job.parts.map((part) => partToWire(part, job))
}

function verifyPartToWire(part: VerifyPart, job: VerifyJob): WirePart {
  return {
    item: part.item,
    database: part.item,
    state: stateOf(part.status, job.cancelled !== undefined),
    stages: [],
    error: part.error,
    warnings: [],
    bytesRead: part.bytesRead,
    restorePointId: part.restorePointId,
    verified: part.verified,
  }
}

function partToWire(part: PartAtAgent, job: JobAtAgent): WirePart {
  const { agentStatus } = part
  const stage = agentStatus?.state
  return {
    item: part.item,
    database: 'database' in part ? part.database : part.item,
    state: stateOf(part.status, job.cancelled !== undefined),
    stage: stage === 'finished' ? undefined : stage,
    stages: agentStatus?.stages?.map(stageToWire) ?? [],
    failedStage: agentStatus?.failed_stage,
    error: part.error ?? agentStatus?.error_message,
    failureCode: part.failureCode,
    agentId: part.agentId,
    waitingFor: part.waitingFor && { jobId: part.waitingFor.jobId, reason: describeBlocker(part.waitingFor) },
    lockedSince: part.lock?.since.toISOString(),
    unlockAttempts: part.lock?.unlockAttempts || undefined,
    warnings: agentStatus?.warnings ?? [],
    bytesRead: agentStatus?.progress?.bytes_read,
    bytesExpected: agentStatus?.progress?.expected_bytes,
    bytesStored: agentStatus?.progress?.bytes_stored,
    ...('restorePointId' in part ? { restorePointId: part.restorePointId } : storedFields(part, job)),
    startedAt: instantOf(agentStatus?.start_time),
    endedAt: instantOf(agentStatus?.end_time),
  }
}

function storedFields({ prefix, filename, agentStatus }: BackupPart, job: JobAtAgent) {
  if (filename === undefined) return {}
  return {
    objectName: (prefix ?? prefixOfPlan(job.planId)) + filename,
    sizeBytes: agentStatus?.filesize?.size,
    originalSizeBytes: agentStatus?.original_filesize?.size,
    sha256: agentStatus?.sha256,
  }
}

function stageToWire({ stage, start_time, end_time, ok, attempt = 1 }: AgentStage): WirePart['stages'][number] {
  const state = ok === undefined ? 'running' : ok ? 'succeeded' : 'failed'
  return { name: stage, state, attempt, startedAt: instantOf(start_time), endedAt: instantOf(end_time) }
}

/** An agent's time; one that cannot be read is left out. */
function instantOf(time: string | undefined): string | undefined {
  const instant = new Date(time ?? '')
  return Number.isNaN(instant.getTime()) ? undefined : instant.toISOString()
}

/** What the scripts of a job printed, as the API answers it. */
export function logsToWire(job: Job): JobLog[] {
  if (!isAtAgent(job)) return []
  const stages = job.kind === 'backup' ? backupStages : restoreStages
  return job.parts.flatMap(({ item, agentStatus }) =>
    stages.flatMap((stage) =>
      (['log', 'errorlog'] as const).flatMap((log) => {
        const text = agentStatus?.[stageLogField(stage, log)]
        const stream = log === 'log' ? ('stdout' as const) : ('stderr' as const)
        return typeof text === 'string' && text !== '' ? [{ item, stage, stream, text }] : []
      }),
    ),
  )
}

/** Announces that a job was started, and where it is found. */
export function sendStartedJob(reply: FastifyReply, { id }: Pick<Job, 'id'>) {
  return reply.code(202).header('Location', `/v1/jobs/${id}`)
}

import { ageKeys, transformsOfName } from '@osb-backup/core'
import type { AgentBackupRequest, AgentJob, AgentRestoreRequest, Warning } from '@osb-backup/protocol'
import { forgetAtAgent } from '../agents/agent-client.ts'
import type { Context } from '../context/context.ts'
import { destinationsById } from '../destinations/repository.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance } from '../instances/repository.ts'
import { agentJobId, type Job, type JobPart, prefixOfPlan } from '../jobs/job.ts'
import { findPlan } from '../plans/repository.ts'
import { sweepSoon } from '../plans/sweeps-repository.ts'
import { findPoint, insertRestorePoint } from '../restore-points/repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { invariant } from '../shared/invariant.ts'
import { backupRequest, restoreRequest } from './agent-request.ts'
import { PartFailure, PartRun, statusOf } from './follow-part.ts'
import { type DrivenJob, recordPart } from './record-part.ts'
import { type StoredDump, storedDump } from './stored-dump.ts'

/** Drives one part on its agent and records how it stands, until it is over. */
export async function runPart(
  context: Context,
  job: Job & DrivenJob,
  part: JobPart,
  signal: AbortSignal,
): Promise<void> {
  try {
    const instance = await findInstance(context, job.instanceId)
    if (instance === undefined) throw new PartFailure('The service instance is not registered any more.')
    const request = await requestFor(context, job, part, instance)
    const report = await new PartRun(context, job, part, instance, signal).follow(request)
    await recordEnd(context, job, part, report)
    await forget(context, job, part, instance, signal)
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error
    context.log.warn({ reason: error.message }, 'a part failed')
    const failed = { status: 'FAILED', report: part.report, error: error.message } as const
    await recordPart(context.database, job, part.position, failed, context.now())
  }
}

async function requestFor(
  context: Context,
  job: Job,
  part: JobPart,
  instance: ServiceInstance,
): Promise<AgentBackupRequest | AgentRestoreRequest> {
  const destination = (await destinationsById(context, [job.destinationId])).get(job.destinationId)
  invariant(destination, `job ${job.id} has a destination`)
  if (job.kind === 'backup') {
    invariant(job.planId, `backup job ${job.id} has a plan`)
    const name = (await findPlan(context, job.planId))?.name
    const plan = { id: job.planId, ...(name === undefined ? {} : { name }) }
    return backupRequest(job, part, plan, instance, destination, context.settings.recoveryRecipients)
  }
  invariant(part.restorePointId, `part ${part.position} of restore job ${job.id} has a restore point`)
  const point = await findPoint(context, part.restorePointId)
  if (point === undefined) throw new PartFailure('The restore point was deleted.')
  return restoreRequest(job, part, point, instance, destination)
}

/**
 * Records the end of a part. A dump that is stored whole leaves its restore point in the same transaction, also where the
 * part failed later: it may be the only copy, and somebody has to be able to remove it.
 */
async function recordEnd(context: Context, job: Job & DrivenJob, part: JobPart, report: AgentJob): Promise<void> {
  const now = context.now()
  const status = statusOf(report)
  const record = (also?: Parameters<typeof recordPart>[5], filename?: string) =>
    recordPart(context.database, job, part.position, { status, report, filename }, now, also)
  if (job.kind === 'restore') return record()
  part.report = report
  const stored = await storedDump(context, job, report)
  if ('missing' in stored) {
    if (status === 'SUCCEEDED') throw new PartFailure(stored.missing)
    return record()
  }
  const { recoveryRecipients } = context.settings
  const { warnings = [] } = report
  const seen = { now, afterFailure: status !== 'SUCCEEDED', recoveryRecipients, warnings }
  const point = restorePointOf(job, part, stored, seen)
  return record(async (transaction) => {
    await insertRestorePoint(transaction, point, now)
    if (status === 'SUCCEEDED') await sweepSoon(transaction, point.planId, now)
  }, stored.filename)
}

function restorePointOf(
  job: Job,
  part: JobPart,
  { filename, sizeBytes, sha256, originalSizeBytes }: StoredDump,
  seen: { now: Date; afterFailure: boolean; recoveryRecipients: readonly string[]; warnings: readonly Warning[] },
): Omit<RestorePoint, 'held' | 'verification' | 'removal'> {
  invariant(job.planId, `backup job ${job.id} has a plan`)
  const transforms = transformsOfName(filename)
  return {
    id: newIdentifier(seen.now),
    jobId: job.id,
    planId: job.planId,
    instanceId: job.instanceId,
    destinationId: job.destinationId,
    item: part.item,
    prefix: prefixOfPlan(job.planId),
    filename,
    sizeBytes,
    sha256,
    originalSizeBytes,
    ...transforms,
    recipients: transforms.encrypted ? [...ageKeys(job.publicKey ?? ''), ...seen.recoveryRecipients] : [],
    takenAt: job.startedAt,
    afterFailure: seen.afterFailure,
    warnings: seen.warnings,
  }
}

/** The agent may forget a part whose result is stored. If it does not hear that, it forgets by itself one day. */
async function forget(
  context: Context,
  job: Job,
  part: JobPart,
  instance: ServiceInstance,
  signal: AbortSignal,
): Promise<void> {
  const answer = await forgetAtAgent(instance.agent, job.kind, agentJobId(job, part), signal)
  if (answer.kind === 'unreachable')
    context.log.debug({ reason: answer.reason }, 'the agent was not told to forget a part')
}

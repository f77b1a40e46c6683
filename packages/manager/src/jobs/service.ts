import type { RunKind } from '@osb-backup/core'
import { isOver } from '@osb-backup/protocol'
import { authorizeInstance, type Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import { compactCounters } from './counters-repository.ts'
import type { BackupJob, Job, JobFilter } from './job.ts'
import { failOpenParts } from './part-results.ts'
import * as repository from './repository.ts'

/** One page of the jobs of an instance, newest first unless requested otherwise. */
export async function listJobs(
  context: Context,
  call: Call,
  filter: JobFilter,
  page: PageRequest,
): Promise<PageOf<Job>> {
  await authorizeInstance(call, filter.instanceId)
  return repository.listJobs(context, filter, page)
}

/**
 * @param kind - Undefined: of either kind.
 * @throws {RequestError} If there is no such job, or the caller was not granted its instance.
 */
export async function getJob(context: Context, call: Call, id: string, kind?: RunKind): Promise<Job> {
  const what = kind === undefined ? 'job' : `${kind} job`
  const job = await repository.findJob(context, id)
  if (job === undefined || (kind !== undefined && job.kind !== kind)) throw notFound(what, id)
  await authorizeInstance(call, job.instanceId, { what, id })
  return job
}

/** @throws {RequestError} If there is no such backup job, or the caller was not granted its instance. */
export async function getBackupJob(context: Context, call: Call, id: string): Promise<BackupJob> {
  const job = await getJob(context, call, id, 'backup')
  if (job.kind !== 'backup') throw notFound('backup job', id)
  return job
}

/** @throws {RequestError} If it has not ended either. */
export async function getEndedBackupJob(context: Context, call: Call, id: string): Promise<BackupJob> {
  const job = await getBackupJob(context, call, id)
  if (!isOver(job.status)) throw new RequestError('conflict', `The backup job ${id} still runs.`)
  return job
}

/** The job, if it exists; for callers that check what it belongs to themselves. */
export function findJob(context: Context, id: string): Promise<Job | undefined> {
  return repository.findJob(context, id)
}

/**
 * Cancels a job. One that no worker ever claimed ends at once. One that runs is cancelled at its agent, by the worker that
 * runs it, and ends when its cleanup and unlock have run.
 *
 * @throws {RequestError} If the job has ended.
 */
export async function cancelJob(context: Context, call: Call, id: string, kind?: RunKind): Promise<Job> {
  await getJob(context, call, id, kind)
  const by = call.caller.name
  await inAuditedTransaction(context, call, async (tx) => {
    const job = await repository.lockJobToCancel(tx, id)
    if (job === undefined || isOver(job.status)) throw new RequestError('conflict', `The job ${id} has ended.`)
    if (job.isCancelled) return
    const now = context.now()
    await repository.setCancelled(tx, id, by, now)
    // A job that was never claimed is at no agent.
    if (!job.wasClaimed) await failOpenParts(tx, id, `Cancelled by ${by} before it began.`, now)
  })
  return getJob(context, call, id, kind)
}

/**
 * Deletes a backup job that has ended; its restore points and files stay.
 *
 * @throws {RequestError} If it has not ended.
 */
export async function deleteJob(context: Context, call: Call, id: string): Promise<void> {
  await getEndedBackupJob(context, call, id)
  await inAuditedTransaction(context, call, (tx) => repository.deleteEndedJobs(tx, { id }))
}

/** Deletes the jobs of an instance that have ended; restore points and files stay. */
export async function deleteJobsOfInstance(context: Context, call: Call, instanceId: string): Promise<void> {
  await authorizeInstance(call, instanceId)
  await inAuditedTransaction(context, call, (tx) => repository.deleteEndedJobs(tx, { instanceId }))
}

/** Compacts the changes of the job counters. Returns whether there may be more. */
export function compactJobCounters(context: Pick<Context, 'database'>): Promise<boolean> {
  return compactCounters(context)
}

import type { JobKind, RunKind } from '@osb-backup/core'
import { isOver } from '@osb-backup/protocol'
import { authorizeInstance, type Call } from '../access/call.ts'
import { scopeOf } from '../access/scope.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inSnapshot } from '../database/transaction.ts'
import { dropRetryOf, nextAttemptsOf } from '../plans/retries-repository.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import * as attempts from './attempts-repository.ts'
import { compactCounters } from './counters-repository.ts'
import { deleteEndedJobs } from './deletion-repository.ts'
import { type BackupJob, isAtAgent, type Job, type JobAtAgent, type JobFilter, type RunAttempt } from './job.ts'
import { lockedParts } from './locks-repository.ts'
import { updateJob } from './part-results.ts'
import { failWaitingParts } from './parts-repository.ts'
import * as repository from './repository.ts'
import type { JobSearch } from './search-repository.ts'
import * as searchRepository from './search-repository.ts'
import * as stateRepository from './state-repository.ts'

/** One page of the jobs of an instance, newest first unless requested otherwise. */
export async function listJobs(
  context: Context,
  call: Call,
  filter: JobFilter,
  page: PageRequest,
): Promise<PageOf<JobAtAgent>> {
  await authorizeInstance(call, filter.instanceId)
  return repository.listJobs(context, filter, page)
}

/**
 * @param kind - Undefined: of any kind.
 * @throws {RequestError} If there is no such job, or the caller was not granted its instance.
 */
export async function getJob(context: Context, call: Call, id: string, kind?: JobKind): Promise<Job> {
  const what = kind === undefined ? 'job' : `${kind} job`
  const job = await repository.findJob(context, id)
  if (job === undefined || (kind !== undefined && job.kind !== kind)) throw notFound(what, id)
  await authorizeInstance(call, job.instanceId, { what, id })
  return job
}

/**
 * @param kind - Undefined: of either kind.
 * @throws {RequestError} If there is no such job at an agent, or the caller was not granted its instance.
 */
export async function getJobAtAgent(context: Context, call: Call, id: string, kind?: RunKind): Promise<JobAtAgent> {
  const job = await getJob(context, call, id, kind)
  if (!isAtAgent(job)) throw notFound('job', id)
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
 * Cancels a job. Parts that have not begun end at once. Those that have are cancelled at their agent, by the worker that runs the
 * job, and end when their cleanup and unlock have run. If the agent does not answer, they are cancelled as soon as it does. Of a
 * job that has failed the next attempt is cancelled.
 *
 * @throws {RequestError} If the job has ended, and no attempt follows.
 */
export async function cancelJob(context: Context, call: Call, id: string, kind?: JobKind): Promise<Job> {
  await getJob(context, call, id, kind)
  const by = call.caller.name
  const hasEnded = new RequestError('conflict', `The job ${id} has ended.`)
  try {
    await inAuditedTransaction(context, call, async (tx) => {
      // Before the job is locked: a transaction that starts an attempt locks its plan first.
      if (await dropRetryOf(tx, id)) return
      if (!(await cancelOpenJob(tx, id, by))) throw hasEnded
    })
  } catch (error) {
    if (error !== hasEnded) throw error
    // If it ended just now, that may have scheduled another attempt.
    await inAuditedTransaction(context, call, async (tx) => {
      if (!(await dropRetryOf(tx, id))) throw hasEnded
    })
  }
  return getJob(context, call, id, kind)
}

/** Cancels a job unless it has ended. Returns whether it was open. */
export async function cancelOpenJob(tx: TransactionContext, id: string, by: string): Promise<boolean> {
  const job = await stateRepository.lockJobToEnd(tx, id)
  if (job === undefined || isOver(job.status)) return false
  if (job.isCancelled) return true
  const now = await readClock(tx)
  await stateRepository.setCancelled(tx, id, by, now)
  // A verification reads on until its worker stops it; a drill that has begun cleans up.
  if ((job.kind === 'verify' || job.kind === 'drill') && job.hasBegun) return true
  await failWaitingParts(tx, id, { error: `Cancelled by ${by} before it began.`, failureCode: 'cancelled', now })
  await updateJob(tx, id, now)
  return true
}

/**
 * Deletes a job that has ended; its restore points and files stay.
 *
 * @throws {RequestError} If it has not ended, or one of its databases is locked.
 */
export async function deleteJob(context: Context, call: Call, id: string): Promise<void> {
  const { status } = await getJob(context, call, id)
  if (!isOver(status))
    throw new RequestError('conflict', `The job ${id} has not ended: cancel it, or wait for its end.`)
  await inAuditedTransaction(context, call, async (tx) => {
    if ((await lockedParts(tx, id)).length > 0) {
      const message = `A database of the job ${id} is still locked: call retry-unlock, or mark-unlocked once it is unlocked.`
      throw new RequestError('conflict', message)
    }
    await dropRetryOf(tx, id)
    await deleteEndedJobs(tx, { id })
  })
}

/** Deletes the jobs of an instance that have ended; restore points and files stay. */
export async function deleteJobsOfInstance(context: Context, call: Call, instanceId: string): Promise<void> {
  await authorizeInstance(call, instanceId)
  await inAuditedTransaction(context, call, (tx) => deleteEndedJobs(tx, { instanceId }))
}

/** Compacts the changes of the job counters. Returns whether there may be more. */
export function compactJobCounters(context: Pick<Context, 'database'>): Promise<boolean> {
  return compactCounters(context)
}

/** A job without what its scripts printed. @throws {RequestError} If there is none, or its instance was not granted. */
export async function getJobWithoutLogs(context: Context, call: Call, id: string): Promise<Job> {
  const job = await findJobWithoutLogs(context, id)
  if (job === undefined) throw notFound('job', id)
  await authorizeInstance(call, job.instanceId, { what: 'job', id })
  return job
}

/** The same for callers that check themselves what it belongs to. */
export function findJobWithoutLogs(context: RepositoryContext, id: string): Promise<Job | undefined> {
  return repository.findJob(context, id, { logs: false })
}

/** The attempts of scheduled runs, by the id of the first job, and when the last is followed by another, by the id of the last. */
export interface AttemptsOfRuns {
  attemptsByFirst: ReadonlyMap<string, readonly RunAttempt[]>
  nextByLast: ReadonlyMap<string, Date>
}

/**
 * All from one snapshot: a retry that becomes a job in between would make its run look failed.
 *
 * @param firstIds - The jobs that the runs were started with. For callers that were authorized already.
 */
export function attemptsOfRuns(context: RepositoryContext, firstIds: readonly string[]): Promise<AttemptsOfRuns> {
  return inSnapshot(context, async (snapshot) => {
    const attemptsByFirst = await attempts.attemptsOfRuns(snapshot, firstIds)
    const jobIds = [...attemptsByFirst.values()].flat().map(({ jobId }) => jobId)
    return { attemptsByFirst, nextByLast: await nextAttemptsOf(snapshot, jobIds) }
  })
}

/** One page of the jobs of all instances that the caller was granted, or of one, newest first, without logs. */
export async function searchJobs(
  context: RepositoryContext,
  call: Call,
  { instanceId, ...filter }: Omit<JobSearch, 'scope'> & { instanceId?: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<Job>> {
  return searchRepository.searchJobs(context, { ...filter, scope: await scopeOf(call, instanceId) }, page)
}

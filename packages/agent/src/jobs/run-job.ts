import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dumpName } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import { withSpan } from '@osb-backup/node/tracing'
import { stores } from '@osb-backup/storage/kinds'
import type { Logger } from 'pino'
import { removeIncompleteUpload } from '../recovery/incomplete-upload.ts'
import { endProcesses } from '../scripts/end-processes.ts'
import { jobProcesses } from '../scripts/job-processes.ts'
import { removeMessageFiles } from '../scripts/script-messages.ts'
import type { ScriptPack } from '../scripts/script-pack.ts'
import { requireDiskSpace } from '../stages/disk-space.ts'
import { describeToScripts } from '../stages/dump-transforms.ts'
import {
  closeJobDirectory,
  describeJobDirectory,
  type JobDirectory,
  jobDirectoryPath,
  openJobDirectory,
} from '../stages/job-directory.ts'
import type { RunContext } from '../stages/run-context.ts'
import { removeDownload } from '../stages/staged-transfers.ts'
import type { JobDependencies } from './job-dependencies.ts'
import { isComplete } from './job-record.ts'
import { maskOf } from './job-request.ts'
import { pendingSteps } from './pending-steps.ts'
import type { RegisteredJob } from './registered-job.ts'
import { retryPendingSteps } from './retry-steps.ts'
import { runSteps } from './run-steps.ts'

/**
 * Runs a job to its end, whatever happens: when this resolves, the job has ended and every always-run step has run. Never
 * rejects.
 */
export async function runJob(job: RegisteredJob, pack: ScriptPack, deps: JobDependencies): Promise<void> {
  return traced(job, () => runUntraced(job, pack, deps))
}

async function runUntraced(job: RegisteredJob, pack: ScriptPack, deps: JobDependencies): Promise<void> {
  const log = logOf(job, deps)
  const { database } = job.record.request
  log.info({ database: database.name, host: database.host, form: pack.form }, 'job started')
  try {
    const directory = await openJobDirectory(
      jobDirectoryPath(deps.settings, job.record.request),
      pack.form,
      deps.settings.scriptAccount,
    )
    const run = contextOf(job, pack, directory, deps)
    if (pack.form === 1) await requireDiskSpace(run)
    // What cannot be loaded, after an upgrade or without descriptors, must not fail a backup that has locked its database.
    await stores.kindOf(job.record.request.store).load()
    await runSteps(run, job, deps, log)
    await retrySteps(run, job, deps, log)
  } catch (error) {
    recordProblem(job, error, deps)
  }
  await recordEnd(job, deps, log)
}

/**
 * Finishes a job that an earlier agent left running and whose orphaned processes are terminated: runs the always-run
 * steps, and removes incomplete files and uploads. Never rejects.
 */
export async function finishJob(job: RegisteredJob, pack: ScriptPack, deps: JobDependencies): Promise<void> {
  return traced(job, () => finishUntraced(job, pack, deps))
}

async function finishUntraced(job: RegisteredJob, pack: ScriptPack, deps: JobDependencies): Promise<void> {
  const log = logOf(job, deps)
  log.warn({ steps: job.record.steps.length }, 'resuming a job that was interrupted by a restart')
  try {
    const run = contextOf(job, pack, await reopenJobDirectory(job, deps), deps)
    await runSteps(run, job, deps, log)
    const retries = retrySteps(run, job, deps, log)
    const problem = await removeIncompleteUpload(job.record, deps.stores)
    delete job.record.incompleteUpload
    if (problem !== undefined) job.record.incompleteUpload = run.mask.mask(problem)
    else if (job.record.upload !== undefined) deps.claims.release(run.store, job.record.upload.name)
    await retries
  } catch (error) {
    recordProblem(job, error, deps)
  }
  await recordEnd(job, deps, log)
}

/** Retries the pending steps of a job that has ended, after a restart of the agent. Never rejects. */
export async function resumeRetries(job: RegisteredJob, pack: ScriptPack, deps: JobDependencies): Promise<void> {
  const log = logOf(job, deps)
  try {
    const run = contextOf(job, pack, await reopenJobDirectory(job, deps), deps)
    await retrySteps(run, job, deps, log, { isAtOnce: true })
  } catch (error) {
    log.error({ err: errorMessage(error) }, 'cleanup and unlock cannot be retried')
  }
}

/** Without its directory a script can still unlock. */
async function reopenJobDirectory({ record }: RegisteredJob, { settings }: JobDependencies): Promise<JobDirectory> {
  const path = jobDirectoryPath(settings, record.request)
  return openJobDirectory(path, record.form, settings.scriptAccount).catch(() =>
    describeJobDirectory(path, record.form, settings.scriptAccount),
  )
}

/**
 * Retries the always-run steps that failed, until they succeed. Resolves when they have, or after the time that the job
 * waits for it: the retries then continue, and the job is retained until they end.
 */
async function retrySteps(
  run: RunContext,
  job: RegisteredJob,
  deps: JobDependencies,
  log: Logger,
  { isAtOnce = false } = {},
): Promise<void> {
  const waiting = new AbortController()
  job.retries = retryPendingSteps(run, job, { ...deps, log }, isAtOnce)
    .then(async () => {
      waiting.abort()
      if (pendingSteps(job.record).length > 0) return
      await cleanUp(run, log)
      if (job.record.status !== 'RUNNING') await saveResolved(job, deps, log)
    })
    .catch((error: unknown) => {
      log.fatal({ err: errorMessage(error) }, 'the end of a job failed unexpectedly: this is a bug')
    })
  const signal = AbortSignal.any([waiting.signal, deps.registry.stopping])
  await sleep(deps.settings.unlockWaitMs, undefined, { signal }).catch(() => undefined)
  if (pendingSteps(job.record).length === 0) await job.retries
}

/** Records that the last pending step of a job that had ended has succeeded. */
async function saveResolved(job: RegisteredJob, { registry }: JobDependencies, log: Logger): Promise<void> {
  try {
    await registry.resolve(job)
  } catch (error) {
    log.error({ err: errorMessage(error) }, 'job state not saved; it will be retried')
  }
}

const logOf = ({ record: { request } }: RegisteredJob, deps: JobDependencies): Logger =>
  deps.log.child({ kind: request.kind, jobId: request.id })

/** Continues the trace of the request that started a job, also after a restart of the agent. */
function traced({ record }: RegisteredJob, run: () => Promise<void>): Promise<void> {
  const { kind, id, traceparent } = record.request
  const attributes = { 'osb_backup.agent.job.id': id }
  const errorOf = () => (record.status === 'SUCCEEDED' ? undefined : 'the job failed')
  return withSpan(kind, { parent: traceparent, attributes }, run, errorOf)
}

/** Records why a job failed between its steps. */
function recordProblem({ record }: RegisteredJob, error: unknown, { settings }: JobDependencies): void {
  record.problem ??= maskOf(record.request, settings.credentials?.password).mask(errorMessage(error))
}

/** Decides how a job ended, and records that. */
async function recordEnd(job: RegisteredJob, deps: JobDependencies, log: Logger): Promise<void> {
  const { record } = job
  const isSucceeded = isComplete(record)
  const hasReason = record.problem !== undefined || record.steps.some(({ ok }) => ok === false)
  if (!isSucceeded && !hasReason) record.problem = 'the job was cancelled'
  const status = isSucceeded ? 'SUCCEEDED' : 'FAILED'
  log.info({ status, err: record.problem, stored: record.stored }, 'job finished')
  deps.metrics.jobEnded(record, status, deps.now())
  try {
    await deps.registry.settle(job, status, deps.now())
  } catch (error) {
    log.error({ err: errorMessage(error) }, 'the end of the job was not saved; it will be retried')
  }
}

function contextOf(job: RegisteredJob, pack: ScriptPack, directory: JobDirectory, deps: JobDependencies): RunContext {
  const { record } = job
  const { database, source } = record.request
  const { settings, claims, now } = deps
  const filename = source?.filename ?? dumpName(database.host, database.name, record.startedAt)
  // After a crash the name of the downloaded file is in the record.
  const knownName = record.downloadPath === undefined ? filename : basename(record.downloadPath)
  return {
    job: record,
    settings,
    pack,
    claims,
    store: deps.stores.open(record.request),
    mask: maskOf(record.request, settings.credentials?.password),
    directory,
    filename,
    dump: describeToScripts(knownName, record.request, { pack, settings }),
    cgroups: deps.cgroups,
    save: () => deps.registry.save(record),
    now,
  }
}

/** Ends the background processes of its scripts, and removes what the agent wrote to disk. A failure here changes nothing about the job, whose outcome is decided by then. */
async function cleanUp(run: RunContext, log: Logger): Promise<void> {
  const left = await endProcesses(
    jobProcesses(run.job.request, run.directory.path, run.cgroups),
    run.settings.killGraceMs,
  )
  if (left.length > 0) log.error({ processes: left }, 'processes of the job could not be ended')
  try {
    await removeDownload(run)
    await removeMessageFiles(run.directory.messages)
    // Form 2 promises scripts a scratch directory that is removed after the job.
    const { mayDeleteFiles, scriptAccount: account } = run.settings
    await closeJobDirectory(run.directory, run.pack.form, {
      mayDeleteFiles: mayDeleteFiles || run.pack.form === 2,
      account,
    })
  } catch (error) {
    log.warn({ err: errorMessage(error) }, 'job directory not removed')
  }
}

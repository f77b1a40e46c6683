import { basename } from 'node:path'
import { dumpName, type Step } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import type { Logger } from 'pino'
import { removeIncompleteUpload } from '../recovery/incomplete-upload.ts'
import { messageFiles, readWarnings, removeMessageFiles } from '../scripts/script-messages.ts'
import { findScript, type ScriptPack } from '../scripts/script-pack.ts'
import { isSuccess, scriptFailure } from '../scripts/script-result.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'
import { requireDiskSpace } from '../stages/disk-space.ts'
import { describeToScripts } from '../stages/dump-transforms.ts'
import { closeJobDirectory, type JobDirectory, jobDirectoryPath, openJobDirectory } from '../stages/job-directory.ts'
import type { ObjectClaims } from '../stages/object-claim.ts'
import { failed, type RunContext, type StepResult, startStage } from '../stages/run-context.ts'
import { downloadFile, removeDownload, uploadDump } from '../stages/staged-transfers.ts'
import { streamBackup } from '../stages/streamed-backup.ts'
import { streamRestore } from '../stages/streamed-restore.ts'
import type { AgentStores } from '../stores/agent-stores.ts'
import type { JobMetrics } from './job-metrics.ts'
import { isAlwaysRun, isComplete, type JobRecord, nextStepOf, type StepRecord } from './job-record.ts'
import type { JobRegistry, RegisteredJob } from './job-registry.ts'
import { maskOf } from './job-request.ts'

/** What all jobs of an agent share. */
export interface JobDependencies {
  settings: AgentSettings
  registry: JobRegistry
  stores: AgentStores
  claims: ObjectClaims
  metrics: JobMetrics
  log: Logger
  /** The clock. */
  now: () => Date
}

/**
 * Runs a job to its end, whatever happens: when this resolves, the job is over and every always-run step has run. Never
 * rejects.
 */
export async function runJob(job: RegisteredJob, pack: ScriptPack, deps: JobDependencies): Promise<void> {
  const log = logOf(job, deps)
  const { database } = job.record.request
  log.info({ database: database.name, host: database.host, form: pack.form }, 'job started')
  try {
    const directory = await openJobDirectory(jobDirectoryPath(deps.settings, job.record.request))
    const run = contextOf(job, pack, directory, deps)
    if (pack.form === 1) await requireDiskSpace(run)
    await runSteps(run, job, deps, log)
    await cleanUp(run, log)
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
  const log = logOf(job, deps)
  log.warn({ steps: job.record.steps.length }, 'resuming a job that was interrupted by a restart')
  try {
    const path = jobDirectoryPath(deps.settings, job.record.request)
    // Without its directory a script can still unlock.
    const directory = await openJobDirectory(path).catch(() => ({ path, before: new Map<string, string>() }))
    const run = contextOf(job, pack, directory, deps)
    await runSteps(run, job, deps, log)
    const problem = await removeIncompleteUpload(job.record, deps.stores)
    delete job.record.incompleteUpload
    if (problem !== undefined) job.record.incompleteUpload = run.mask.mask(problem)
    else if (job.record.upload !== undefined) deps.claims.release(run.store, job.record.upload.name)
    await cleanUp(run, log)
  } catch (error) {
    recordProblem(job, error, deps)
  }
  await recordEnd(job, deps, log)
}

const logOf = ({ record: { request } }: RegisteredJob, deps: JobDependencies): Logger =>
  deps.log.child({ kind: request.kind, jobId: request.id })

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
    save: () => deps.registry.save(record),
    now,
  }
}

/** Removes what the agent wrote to disk. A failure here changes nothing about the job, whose outcome is decided by then. */
async function cleanUp(run: RunContext, log: Logger): Promise<void> {
  try {
    await removeDownload(run)
    await removeMessageFiles(messageFiles(run.directory.path))
    // Form 2 promises scripts a scratch directory that is removed after the job.
    await closeJobDirectory(run.directory, run.settings.mayDeleteFiles || run.pack.form === 2)
  } catch (error) {
    log.warn({ err: errorMessage(error) }, 'job directory not removed')
  }
}

async function runSteps(
  run: RunContext,
  { record, cancel }: RegisteredJob,
  deps: JobDependencies,
  log: Logger,
): Promise<void> {
  // Always-run steps are bounded by their time limit alone, not by a failure or a cancellation.
  const never = new AbortController().signal
  for (;;) {
    const step = nextStepOf(record, cancel.signal.aborted)
    if (step === undefined) return
    const stepRecord: StepRecord = { step, stdout: '', stderr: '' }
    record.steps.push(stepRecord)
    const unsaved = await saveProblem(record, deps)
    // A step that could not be remembered over a crash does not start, unless it is one that must always run.
    const end =
      unsaved === undefined || isAlwaysRun(step)
        ? await runStep(run, step, isAlwaysRun(step) ? never : cancel.signal).catch((error: unknown) =>
            failed(errorMessage(error)),
          )
        : failed(unsaved)
    await noteWarnings(run)
    recordStepEnd(run, stepRecord, end)
    delete record.process
    await saveProblem(record, deps)
    if (end.ok) log.info({ step }, 'step finished')
    else log.error({ step, err: stepRecord.problem }, step.endsWith('-unlock') ? 'UNLOCK FAILED' : 'step failed')
    if (!end.ok) deps.metrics.stepFailed(step)
  }
}

function recordStepEnd({ mask }: RunContext, stepRecord: StepRecord, end: StepResult): void {
  stepRecord.stdout = end.stdout ?? ''
  stepRecord.stderr = end.stderr ?? ''
  if (end.problem !== undefined) stepRecord.problem = mask.mask(end.problem)
  if (end.failureCode !== undefined) stepRecord.failureCode = end.failureCode
  stepRecord.ok = end.ok
}

/** Records the warnings of the scripts so far; a file that cannot be read must not end the job. */
async function noteWarnings({ job, directory, mask }: RunContext): Promise<void> {
  const warnings = await readWarnings(messageFiles(directory.path)).catch((error: unknown) => [
    { code: 'warnings-unreadable', message: errorMessage(error) },
  ])
  if (warnings === undefined) return
  const ofAgent = job.warnings.filter(({ code }) => code.startsWith('agent-'))
  job.warnings = [...ofAgent, ...warnings.map(({ code, message }) => ({ code, message: mask.mask(message) }))]
}

/** Saves a record. Returns why it could not, since that must never prevent an unlock. */
async function saveProblem(record: JobRecord, { registry, log }: JobDependencies): Promise<string | undefined> {
  try {
    await registry.save(record)
    return undefined
  } catch (error) {
    const problem = `the state of the job cannot be saved: ${errorMessage(error)}`
    log.error({ err: problem, jobId: record.request.id }, 'job state not saved')
    return problem
  }
}

async function runStep(run: RunContext, step: Step, signal: AbortSignal): Promise<StepResult> {
  const { pack } = run
  if (step === 'upload') return uploadDump(run, signal)
  if (step === 'download') return downloadFile(run, signal)
  const script = await findScript(pack, step)
  if (!script.ok) return failed(script.error)
  const path = script.value
  if (path === undefined) return { ok: true }
  if (pack.form === 2 && step === 'backup') return streamBackup(run, path, pack.type, signal)
  if (pack.form === 2 && step === 'restore') return streamRestore(run, path, signal)
  const { ended } = await startStage(run, step, path, signal)
  const end = await ended
  const logs = { stdout: end.stdout, stderr: end.stderr }
  return isSuccess(end.outcome) ? { ok: true, ...logs } : { ok: false, ...scriptFailure(path, end), ...logs }
}

import { dumpName, type Step } from '@osb-backup/core'
import { openStore } from '@osb-backup/storage'
import type { Logger } from 'pino'
import { messageOf } from '../checked.ts'
import { describeFailure, isSuccess } from '../scripts/script-end.ts'
import { findScript, type ScriptPack } from '../scripts/script-pack.ts'
import type { AgentSettings } from '../settings.ts'
import { closeJobDirectory, openJobDirectory } from '../stages/job-directory.ts'
import type { ObjectClaims } from '../stages/object-claim.ts'
import { failed, type RunContext, type StepEnd, startStage } from '../stages/run-context.ts'
import { downloadFile, removeDownload, uploadDump } from '../stages/staged-transfers.ts'
import { streamBackup } from '../stages/streamed-backup.ts'
import { streamRestore } from '../stages/streamed-restore.ts'
import { isComplete, isOwed, type JobRecord, nextStepOf, type StepRecord } from './job-record.ts'
import type { HeldJob, JobRegistry } from './job-registry.ts'
import { maskOf } from './job-request.ts'

/** What all runs of an agent share. */
export interface RunTools {
  settings: AgentSettings
  registry: JobRegistry
  claims: ObjectClaims
  log: Logger
  /** The clock. */
  now: () => Date
}

/**
 * Runs a job to its end, whatever happens: when this resolves the job is over, and every cleanup and unlock that was
 * owed has run. Never rejects.
 */
export async function runJob(job: HeldJob, pack: ScriptPack, tools: RunTools): Promise<void> {
  const { record } = job
  const { request } = record
  const mask = maskOf(request, tools.settings.password)
  const log = tools.log.child({ kind: request.kind, job: request.id })
  log.info({ database: request.database.name, host: request.database.host, form: pack.form }, 'job started')
  try {
    const run = await prepare(job, pack, tools)
    await takeSteps(run, job, tools, log)
    await tidy(run).catch((error: unknown) => log.warn({ problem: messageOf(error) }, 'job directory not removed'))
  } catch (error) {
    record.problem ??= mask.mask(messageOf(error))
  }
  if (job.cancel.signal.aborted && !isComplete(record)) record.problem ??= 'the job was cancelled'
  record.status = isComplete(record) ? 'SUCCEEDED' : 'FAILED'
  record.endedAt = tools.now()
  await saveProblem(record, tools)
  log.info({ status: record.status, problem: record.problem, stored: record.stored }, 'job ended')
}

async function prepare(job: HeldJob, pack: ScriptPack, { settings, claims }: RunTools): Promise<RunContext> {
  const { record } = job
  const { kind, id, database, source, store } = record.request
  const parent = kind === 'backup' ? settings.backupDirectory : settings.restoreDirectory
  return {
    job: record,
    settings,
    pack,
    claims,
    store: openStore(store),
    mask: maskOf(record.request, settings.password),
    directory: await openJobDirectory(parent, id),
    filename: source?.filename ?? dumpName(database.host, database.name, record.startedAt),
  }
}

/** Removes what the agent put on disk. A failure here changes nothing about the job, which is settled by then. */
async function tidy(run: RunContext): Promise<void> {
  if (run.job.request.kind === 'restore' && run.pack.form === 1) await removeDownload(run)
  // Form 2 promises scripts a scratch directory that is gone after the job.
  await closeJobDirectory(run.directory, run.settings.mayDeleteFiles || run.pack.form === 2)
}

async function takeSteps(run: RunContext, { record, cancel }: HeldJob, tools: RunTools, log: Logger): Promise<void> {
  // What is owed after a failure or a cancel has only its time limit over it.
  const never = new AbortController().signal
  for (;;) {
    const step = nextStepOf(record, cancel.signal.aborted)
    if (step === undefined) return
    const taken: StepRecord = { step, stdout: '', stderr: '' }
    record.steps.push(taken)
    const unsaved = await saveProblem(record, tools)
    // What cannot be remembered over a crash is not begun; what is owed runs all the same.
    const end =
      unsaved === undefined || isOwed(step)
        ? await takeStep(run, step, isOwed(step) ? never : cancel.signal).catch((error: unknown) =>
            failed(messageOf(error)),
          )
        : failed(unsaved)
    taken.stdout = end.stdout ?? ''
    taken.stderr = end.stderr ?? ''
    if (end.problem !== undefined) taken.problem = run.mask.mask(end.problem)
    taken.ok = end.ok
    await saveProblem(record, tools)
    if (end.ok) log.info({ step }, 'step ended')
    else log.error({ step, problem: taken.problem }, step.endsWith('-unlock') ? 'UNLOCK FAILED' : 'step failed')
  }
}

/** Saves a record. Returns why it could not; that must never keep an unlock from running. */
async function saveProblem(record: JobRecord, { registry, log }: RunTools): Promise<string | undefined> {
  try {
    await registry.save(record)
    return undefined
  } catch (error) {
    const problem = `the state of the job cannot be saved: ${messageOf(error)}`
    log.error({ problem, job: record.request.id }, 'state not saved')
    return problem
  }
}

async function takeStep(run: RunContext, step: Step, signal: AbortSignal): Promise<StepEnd> {
  const { pack } = run
  if (step === 'upload') return uploadDump(run, signal)
  if (step === 'download') return downloadFile(run, signal)
  const script = await findScript(pack, step)
  if (!script.ok) return failed(script.problem)
  const path = script.value
  if (path === undefined) return { ok: true }
  if (pack.form === 2 && step === 'backup') return streamBackup(run, path, pack.type, signal)
  if (pack.form === 2 && step === 'restore') return streamRestore(run, path, signal)
  const end = await startStage(run, step, path, signal).ended
  const logs = { stdout: end.stdout, stderr: end.stderr }
  return isSuccess(end.outcome) ? { ok: true, ...logs } : { ok: false, problem: describeFailure(path, end), ...logs }
}

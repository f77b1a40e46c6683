import { basename } from 'node:path'
import { dumpName, type Step } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import type { Logger } from 'pino'
import { removeLeftovers } from '../recovery/leftovers.ts'
import { describeFailure, isSuccess } from '../scripts/script-end.ts'
import { messageFiles, readWarnings, removeMessageFiles } from '../scripts/script-messages.ts'
import { findScript, type ScriptPack } from '../scripts/script-pack.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'
import { requireDiskSpace } from '../stages/disk-space.ts'
import { toldDump } from '../stages/dump-transforms.ts'
import { closeJobDirectory, type JobDirectory, jobDirectoryPath, openJobDirectory } from '../stages/job-directory.ts'
import type { ObjectClaims } from '../stages/object-claim.ts'
import { failed, type RunContext, type StepEnd, startStage } from '../stages/run-context.ts'
import { downloadFile, removeDownload, uploadDump } from '../stages/staged-transfers.ts'
import { streamBackup } from '../stages/streamed-backup.ts'
import { streamRestore } from '../stages/streamed-restore.ts'
import type { AgentStores } from '../stores/agent-stores.ts'
import type { JobMetrics } from './job-metrics.ts'
import { isComplete, isOwed, type JobRecord, nextStepOf, type StepRecord } from './job-record.ts'
import type { HeldJob, JobRegistry } from './job-registry.ts'
import { maskOf } from './job-request.ts'

/** What all runs of an agent share. */
export interface RunTools {
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
 * Runs a job to its end, whatever happens: when this resolves the job is over, and every cleanup and unlock that was
 * owed has run. Never rejects.
 */
export async function runJob(job: HeldJob, pack: ScriptPack, tools: RunTools): Promise<void> {
  const log = logOf(job, tools)
  const { database } = job.record.request
  log.info({ database: database.name, host: database.host, form: pack.form }, 'job started')
  await toTheEnd(job, tools, log, async () => {
    const directory = await openJobDirectory(jobDirectoryPath(tools.settings, job.record.request))
    const run = await contextOf(job, pack, directory, tools)
    if (pack.form === 1) await requireDiskSpace(run)
    await takeSteps(run, job, tools, log)
    await tidyUp(run, log)
  })
}

/**
 * Finishes a job that an earlier agent left running, its orphans already ended: runs what is owed, and removes what
 * lies half-done on the disk and in the store. Never rejects.
 */
export async function finishJob(job: HeldJob, pack: ScriptPack, tools: RunTools): Promise<void> {
  const log = logOf(job, tools)
  log.warn({ steps: job.record.steps.length }, 'job found that a restart interrupted')
  await toTheEnd(job, tools, log, async () => {
    const path = jobDirectoryPath(tools.settings, job.record.request)
    // Without its directory a script can still unlock.
    const directory = await openJobDirectory(path).catch(() => ({ path, before: new Map<string, string>() }))
    const run = await contextOf(job, pack, directory, tools)
    await takeSteps(run, job, tools, log)
    const left = await removeLeftovers(job.record, tools.stores)
    if (left !== undefined) job.record.leftovers = run.mask.mask(left)
    else if (job.record.upload !== undefined) tools.claims.release(run.store, job.record.upload.name)
    await tidyUp(run, log)
  })
}

const logOf = ({ record: { request } }: HeldJob, tools: RunTools): Logger =>
  tools.log.child({ kind: request.kind, job: request.id })

/** Does the work of a job, and writes down its end. */
async function toTheEnd(job: HeldJob, tools: RunTools, log: Logger, work: () => Promise<void>): Promise<void> {
  const { record } = job
  try {
    await work()
  } catch (error) {
    record.problem ??= maskOf(record.request, tools.settings.credentials?.password).mask(errorMessage(error))
  }
  const isWhole = isComplete(record)
  const hasReason = record.problem !== undefined || record.steps.some(({ ok }) => ok === false)
  if (!isWhole && !hasReason) record.problem = 'the job was cancelled'
  const status = isWhole ? 'SUCCEEDED' : 'FAILED'
  log.info({ status, problem: record.problem, stored: record.stored }, 'job ended')
  tools.metrics.jobEnded(record, status, tools.now())
  try {
    await tools.registry.settle(job, status, tools.now())
  } catch (error) {
    log.error({ problem: errorMessage(error) }, 'the end of the job is not saved; it is tried again')
  }
}

async function contextOf(
  job: HeldJob,
  pack: ScriptPack,
  directory: JobDirectory,
  tools: RunTools,
): Promise<RunContext> {
  const { record } = job
  const { database, source } = record.request
  const { settings, claims, now } = tools
  const filename = source?.filename ?? dumpName(database.host, database.name, record.startedAt)
  // A crash may have come after the download, which found out how the file is called.
  const toldName = record.downloadPath === undefined ? filename : basename(record.downloadPath)
  return {
    job: record,
    settings,
    pack,
    claims,
    store: tools.stores.open(record.request),
    mask: maskOf(record.request, settings.credentials?.password),
    directory,
    filename,
    told: toldDump(toldName, record.request, { pack, settings }),
    save: () => tools.registry.save(record),
    now,
  }
}

/** Removes what the agent put on disk. A failure here changes nothing about the job, which is settled by then. */
async function tidyUp(run: RunContext, log: Logger): Promise<void> {
  try {
    await removeDownload(run)
    await removeMessageFiles(messageFiles(run.directory.path))
    // Form 2 promises scripts a scratch directory that is gone after the job.
    await closeJobDirectory(run.directory, run.settings.mayDeleteFiles || run.pack.form === 2)
  } catch (error) {
    log.warn({ problem: errorMessage(error) }, 'job directory not removed')
  }
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
            failed(errorMessage(error)),
          )
        : failed(unsaved)
    await noteWarnings(run)
    taken.stdout = end.stdout ?? ''
    taken.stderr = end.stderr ?? ''
    if (end.problem !== undefined) taken.problem = run.mask.mask(end.problem)
    taken.ok = end.ok
    delete record.process
    await saveProblem(record, tools)
    if (end.ok) log.info({ step }, 'step ended')
    else log.error({ step, problem: taken.problem }, step.endsWith('-unlock') ? 'UNLOCK FAILED' : 'step failed')
    if (!end.ok) tools.metrics.stepFailed(step)
  }
}

/** Keeps what the scripts warned of so far; a file that cannot be read must not end the job. */
async function noteWarnings({ job, directory, mask }: RunContext): Promise<void> {
  const warnings = await readWarnings(messageFiles(directory.path)).catch((error: unknown) => [
    { code: 'warnings-unreadable', message: errorMessage(error) },
  ])
  if (warnings === undefined) return
  const ofAgent = job.warnings.filter(({ code }) => code.startsWith('agent-'))
  job.warnings = [...ofAgent, ...warnings.map(({ code, message }) => ({ code, message: mask.mask(message) }))]
}

/** Saves a record. Returns why it could not; that must never keep an unlock from running. */
async function saveProblem(record: JobRecord, { registry, log }: RunTools): Promise<string | undefined> {
  try {
    await registry.save(record)
    return undefined
  } catch (error) {
    const problem = `the state of the job cannot be saved: ${errorMessage(error)}`
    log.error({ problem, job: record.request.id }, 'state not saved')
    return problem
  }
}

async function takeStep(run: RunContext, step: Step, signal: AbortSignal): Promise<StepEnd> {
  const { pack } = run
  if (step === 'upload') return uploadDump(run, signal)
  if (step === 'download') return downloadFile(run, signal)
  const script = await findScript(pack, step)
  if (!script.ok) return failed(script.error)
  const path = script.value
  if (path === undefined) return { ok: true }
  if (pack.form === 2 && step === 'backup') return streamBackup(run, path, pack.type, signal)
  if (pack.form === 2 && step === 'restore') return streamRestore(run, path, signal)
  const end = await startStage(run, step, path, signal).ended
  const logs = { stdout: end.stdout, stderr: end.stderr }
  return isSuccess(end.outcome) ? { ok: true, ...logs } : { ok: false, problem: describeFailure(path, end), ...logs }
}

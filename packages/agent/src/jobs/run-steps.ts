import { drillSteps, type Step } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import { withSpan } from '@osb-backup/node/tracing'
import { backupStages, restoreStages } from '@osb-backup/protocol'
import type { Logger } from 'pino'
import { readWarnings } from '../scripts/script-messages.ts'
import { findScript } from '../scripts/script-pack.ts'
import { isSuccess, scriptFailure } from '../scripts/script-result.ts'
import { runChecks } from '../stages/drill-checks.ts'
import { failed, type RunContext, type StepResult, startStage } from '../stages/run-context.ts'
import { downloadFile, uploadDump } from '../stages/staged-transfers.ts'
import { streamBackup } from '../stages/streamed-backup.ts'
import { streamRestore } from '../stages/streamed-restore.ts'
// Loaded with the first job, before anything is locked: by its end an upgrade may have replaced the file.
import './job-meters.ts'
import type { JobDependencies } from './job-dependencies.ts'
import { isAlwaysRun, type JobRecord, nextStepOf, type StepRecord } from './job-record.ts'
import type { RegisteredJob } from './registered-job.ts'

type StepDependencies = Pick<JobDependencies, 'registry' | 'metrics'> & { log: Logger }

/** Runs the steps of a job in their order, each once. */
export async function runSteps(
  run: RunContext,
  job: RegisteredJob,
  { registry, metrics }: JobDependencies,
  log: Logger,
): Promise<void> {
  const { record, cancel } = job
  for (;;) {
    const step = nextStepOf(record, cancel.signal.aborted)
    if (step === undefined) return
    const stepRecord: StepRecord = { step, stdout: '', stderr: '' }
    record.steps.push(stepRecord)
    await runStep(run, job, stepRecord, { registry, metrics, log })
  }
}

/**
 * Runs a step whose record was just added to the job. Always-run steps are bounded by their time limit, and an unlock by an
 * operator who unlocked the database; a failure or a cancellation of the job does not end them.
 */
export function runStep(
  run: RunContext,
  job: RegisteredJob,
  stepRecord: StepRecord,
  deps: StepDependencies,
): Promise<void> {
  const attributes = { 'osb_backup.agent.job.id': job.record.request.id }
  const errorOf = () => (stepRecord.ok ? undefined : 'the step failed')
  return withSpan(`step ${stepRecord.step}`, { attributes }, () => runUntraced(run, job, stepRecord, deps), errorOf)
}

async function runUntraced(
  run: RunContext,
  job: RegisteredJob,
  stepRecord: StepRecord,
  deps: StepDependencies,
): Promise<void> {
  const { step } = stepRecord
  const { record } = job
  stepRecord.startedAt = run.now()
  const unsaved = await saveProblem(record, deps)
  // From here to the start of the process nothing is awaited that another job could be quicker with.
  if (isAlwaysRun(step)) job.descriptors?.release()
  // A step that could not be remembered over a crash does not start, unless it is one that must always run.
  const end =
    unsaved === undefined || isAlwaysRun(step)
      ? await execute(run, step, signalOf(step, job)).catch((error: unknown) => failed(errorMessage(error)))
      : failed(unsaved)
  await noteWarnings(run)
  recordStepEnd(run, stepRecord, end)
  if (end.ok && step.endsWith('-unlock')) delete record.lockedSince
  delete record.process
  await saveProblem(record, deps)
  noteEnd(stepRecord, deps)
}

function recordStepEnd({ mask, now }: RunContext, stepRecord: StepRecord, end: StepResult): void {
  stepRecord.stdout = end.stdout ?? ''
  stepRecord.stderr = end.stderr ?? ''
  if (end.problem !== undefined) stepRecord.problem = mask.mask(end.problem)
  if (end.failureCode !== undefined) stepRecord.failureCode = end.failureCode
  if (end.isSkipped) stepRecord.isSkipped = true
  stepRecord.endedAt = now()
  stepRecord.ok = end.ok
}

function noteEnd({ step, ok, problem, attempt }: StepRecord, { metrics, log }: StepDependencies): void {
  if (ok) {
    log.info({ step, attempt }, 'step finished')
    return
  }
  log.error({ step, attempt, err: problem }, step.endsWith('-unlock') ? 'UNLOCK FAILED' : 'step failed')
  metrics.stepFailed(step)
}

/** Records the warnings of the scripts so far; a file that cannot be read must not end the job. */
async function noteWarnings({ job, directory, mask }: RunContext): Promise<void> {
  const warnings = await readWarnings(directory.messages).catch((error: unknown) => [
    { code: 'warnings-unreadable', message: errorMessage(error) },
  ])
  if (warnings === undefined) return
  const ofAgent = job.warnings.filter(({ code }) => code.startsWith('agent-'))
  job.warnings = [...ofAgent, ...warnings.map(({ code, message }) => ({ code, message: mask.mask(message) }))]
}

/** Saves a record. Returns why it could not, since that must never prevent an unlock. */
async function saveProblem(record: JobRecord, { registry, log }: StepDependencies): Promise<string | undefined> {
  try {
    await registry.save(record)
    return undefined
  } catch (error) {
    const problem = `the state of the job cannot be saved: ${errorMessage(error)}`
    log.error({ err: problem, jobId: record.request.id }, 'job state not saved')
    return problem
  }
}

async function execute(run: RunContext, step: Step, signal: AbortSignal): Promise<StepResult> {
  const { pack } = run
  const isLock = step === 'pre-backup-lock' || step === 'pre-restore-lock'
  // Saved with the process of the script, before that starts.
  if (isLock) run.job.ownScripts = await findAlwaysRunScripts(run)
  if (step === 'upload') return uploadDump(run, signal)
  if (step === 'download') return downloadFile(run, signal)
  const script = await findScript(pack, step)
  if (!script.ok) return failed(script.error)
  const path = script.value
  if (path === undefined) {
    // Without its script nothing would be checked or dropped.
    const isMissing = drillSteps.some((each) => each === step) || run.job.ownScripts?.includes(step) === true
    return isMissing
      ? failed(`the script that this stage had when the job began is missing in ${pack.directory}`)
      : { ok: true, isSkipped: true }
  }
  if (isLock) run.job.lockedSince = run.now()
  if (pack.form === 2 && step === 'backup') return streamBackup(run, path, pack.type, signal)
  if (pack.form === 2 && step === 'restore') return streamRestore(run, path, signal)
  if (step === 'check') return runChecks(run, path, signal)
  const { ended } = await startStage(run, step, path, signal)
  const end = await ended
  const logs = { stdout: end.stdout, stderr: end.stderr }
  if (pack.form === 2 && step === 'pre-backup-check') noteExpectedSize(run.job, end.stdout)
  return isSuccess(end.outcome) ? { ok: true, ...logs } : { ok: false, ...scriptFailure(path, end), ...logs }
}

/** A line `expectedSizeBytes=N` of the check stage says how large the dump is going to be; the last one counts. */
function noteExpectedSize(job: JobRecord, printed: string): void {
  const found = [...printed.matchAll(/^expectedSizeBytes=(\d{1,15})$/gm)].at(-1)?.[1]
  if (found !== undefined) job.expectedBytes = Number(found)
}

/** The always-run steps of a job that have a script; one that cannot be read counts. */
async function findAlwaysRunScripts({ pack, job: { request } }: RunContext): Promise<Step[]> {
  const stages = request.kind === 'backup' ? backupStages : restoreStages
  const found: Step[] = []
  for (const stage of stages.filter(isAlwaysRun)) {
    const script = await findScript(pack, stage)
    if (!script.ok || script.value !== undefined) found.push(stage)
  }
  return found
}

/** What ends a step early. A cleanup ends by itself: an operator who unlocks the database only ends an unlock that hangs. */
function signalOf(step: Step, { cancel, operatorUnlocked }: RegisteredJob): AbortSignal {
  if (step.endsWith('-unlock')) return operatorUnlocked.signal
  return isAlwaysRun(step) ? new AbortController().signal : cancel.signal
}

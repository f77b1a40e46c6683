import { transformSuffix } from '@osb-backup/core'
import { isSuccess, scriptFailure } from '../scripts/script-result.ts'
import { type DumpTransforms, dumpTransforms } from './dump-transforms.ts'
import { beginUpload, type ObjectUpload } from './object-upload.ts'
import { type RunContext, type StepResult, stageTimeLimitMs, startStage, withinTimeLimit } from './run-context.ts'
import { storeDump } from './store-dump.ts'
import { transferFailure } from './transfer-failure.ts'

/**
 * Form 2: the output of the script `backup` is compressed, encrypted and stored while it runs. The object is completed
 * only after the script exited with 0; otherwise nothing is left in the store.
 *
 * @param path - The script.
 * @param type - File type of the dump, with its dot.
 */
export function streamBackup(run: RunContext, path: string, type: string, script: AbortSignal): Promise<StepResult> {
  return withinTimeLimit(run, script, (transfer) => stream(run, path, type, { script, transfer }))
}

/** What ends a script, and what ends the transfer of its output. */
interface Signals {
  script: AbortSignal
  transfer: AbortSignal
}

async function stream(run: RunContext, path: string, type: string, signals: Signals): Promise<StepResult> {
  const { request, startedAt } = run.job
  const transforms = dumpTransforms(run)
  const wanted = {
    prefix: request.namePrefix,
    base: request.objectName ?? run.filename,
    type: type + transformSuffix(transforms),
    takenAt: startedAt,
  }
  try {
    const upload = await beginUpload(run, wanted, signals.transfer)
    try {
      const end = await storeOutput(run, upload, path, { transforms, ...signals })
      if (end.ok) upload.complete()
      return end
    } finally {
      await upload.close()
    }
  } catch (error) {
    return { ok: false, ...transferFailure(`checking names in ${run.store.location}`, error, stageTimeLimitMs(run)) }
  }
}

interface OutputOptions extends Signals {
  transforms: DumpTransforms
}

/** Runs the script and stores its output. If it fails, nothing is left in the store. */
async function storeOutput(
  run: RunContext,
  upload: ObjectUpload,
  path: string,
  { transforms, script: signal, transfer }: OutputOptions,
): Promise<StepResult> {
  const script = await startStage(run, 'backup', path, signal, { stdout: 'stream' })
  const { output } = script
  if (output === undefined) return { ok: false, ...scriptFailure(path, await script.ended) }
  let uploadError: unknown
  let isStored = false
  try {
    await storeDump(run, upload, { content: output, transforms, signal: transfer })
    isStored = true
  } catch (error) {
    uploadError = error
    script.stop()
  }
  const end = await script.ended
  const logs = { stdout: end.stdout, stderr: end.stderr }
  const { kind } = end.outcome
  // A script dies when its output is closed: the upload failed first, and says why.
  const isConsequence = uploadError !== undefined && !output.isFailedScript && (kind === 'exited' || kind === 'killed')
  if (!isSuccess(end.outcome) && kind !== 'stopped' && !isConsequence) {
    return { ok: false, ...scriptFailure(path, end), ...logs }
  }
  if (isStored) return { ok: true, ...logs }
  const failure = output.isEmptyDump
    ? { problem: `${path} exited with status 0 but wrote nothing to standard output: an empty dump is a failure` }
    : transferFailure(`the upload to ${run.store.location}`, uploadError, stageTimeLimitMs(run))
  return { ok: false, ...failure, ...logs }
}

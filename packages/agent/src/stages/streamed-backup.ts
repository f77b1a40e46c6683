import { transformSuffix } from '@osb-backup/core'
import { storeContent } from '@osb-backup/storage'
import { describeFailure, isSuccess } from '../scripts/script-end.ts'
import { type DumpTransforms, dumpTransforms } from './dump-transforms.ts'
import type { ObjectClaim } from './object-claim.ts'
import { failed, type RunContext, type StepEnd, stageTimeLimitMs, startStage, transferSignal } from './run-context.ts'
import { storeDump } from './store-dump.ts'
import { transferProblem } from './transfer-problem.ts'
import { uploadUnderClaim } from './upload-under-claim.ts'

/**
 * Form 2: what the script `backup` writes is compressed, encrypted and stored while it runs. The store completes the
 * object only after the script exited with 0; otherwise nothing is left there.
 *
 * @param path - The script.
 * @param type - What the pack says a dump is, with its dot.
 */
export async function streamBackup(run: RunContext, path: string, type: string, signal: AbortSignal): Promise<StepEnd> {
  const { request, startedAt } = run.job
  const transforms = dumpTransforms(run)
  const wanted = {
    prefix: request.namePrefix,
    base: run.filename,
    type: type + transformSuffix(transforms),
    takenAt: startedAt,
  }
  const both = transferSignal(run, signal)
  try {
    return await uploadUnderClaim(run, wanted, both, (claim) =>
      dumpInto(run, claim, path, { script: signal, transfer: both }, transforms),
    )
  } catch (error) {
    return failed(transferProblem(`looking into ${run.store.location}`, error, stageTimeLimitMs(run)))
  }
}

async function dumpInto(
  run: RunContext,
  claim: ObjectClaim,
  path: string,
  signals: { script: AbortSignal; transfer: AbortSignal },
  transforms: DumpTransforms,
): Promise<StepEnd> {
  const { store } = run
  const script = startStage(run, 'backup', path, signals.script, { stdout: 'stream' })
  const { output } = script
  if (output === undefined) return failed(describeFailure(path, await script.ended))
  let uploadError: unknown
  const isStored = await storeDump(run, claim, transforms, signals.transfer, (options) =>
    storeContent(store, claim.name, output, options),
  ).then(
    () => true,
    (error: unknown) => {
      uploadError = error
      script.stop()
      return false
    },
  )
  const end = await script.ended
  const logs = { stdout: end.stdout, stderr: end.stderr }
  if (!isSuccess(end.outcome) && end.outcome.kind !== 'stopped') {
    return { ok: false, problem: describeFailure(path, end), ...logs }
  }
  if (isStored) return { ok: true, ...logs }
  const problem = output.isEmptyDump
    ? `${path} exited with status 0 but wrote nothing to standard output: an empty dump is a failure`
    : transferProblem(`the upload to ${store.location}`, uploadError, stageTimeLimitMs(run))
  return { ok: false, problem, ...logs }
}

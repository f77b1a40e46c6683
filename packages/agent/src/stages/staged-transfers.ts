import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { loadFile, storeFile } from '@osb-backup/storage'
import { findDump, splitDumpName } from './job-directory.ts'
import { failed, type RunContext, type StepEnd, stageTimeLimitMs, transferSignal } from './run-context.ts'
import { transferProblem } from './transfer-problem.ts'
import { uploadUnderClaim } from './upload-under-claim.ts'

/** Form 1, backup: uploads the file that the script left, as it is. */
export async function uploadDump(run: RunContext, signal: AbortSignal): Promise<StepEnd> {
  const { job, store } = run
  const dump = await findDump(run.directory, run.filename)
  if (!dump.ok) return failed(dump.problem)
  const both = transferSignal(run, signal)
  try {
    const wanted = {
      ...splitDumpName(dump.value, run.filename),
      prefix: job.request.namePrefix,
      takenAt: job.startedAt,
    }
    return await uploadUnderClaim(run, wanted, both, async (claim) => {
      const stored = await storeFile(store, claim.name, join(run.directory.path, dump.value), {
        signal: both,
        onProgress: (progress) => {
          job.progress = progress
        },
      })
      job.stored = { filename: claim.filename, sizeBytes: stored.sizeBytes, sha256: stored.sha256 }
      return { ok: true }
    })
  } catch (error) {
    return failed(transferProblem(`the upload to ${store.location}`, error, stageTimeLimitMs(run)))
  }
}

/** Where form 1 finds the file to restore. */
export const downloadPath = (run: RunContext): string => join(run.directory.path, run.filename)

/** Form 1, restore: downloads the file, as it is, to where the script looks for it. */
export async function downloadFile(run: RunContext, signal: AbortSignal): Promise<StepEnd> {
  const { job, store, settings } = run
  const path = downloadPath(run)
  const { source } = job.request
  if (!settings.mayDeleteFiles && (await lstat(path).catch(() => undefined)) !== undefined) {
    return failed(`${path} exists already: remove it, or set allowed_to_delete_files to true`)
  }
  job.downloadPath = path
  try {
    await run.save()
    await loadFile(store, job.request.namePrefix + run.filename, path, {
      signal: transferSignal(run, signal),
      ...(source === undefined ? {} : { expected: source }),
      onProgress: ({ bytesRead }) => {
        job.progress = { bytesRead, bytesStored: 0 }
      },
    })
    return { ok: true }
  } catch (error) {
    return failed(transferProblem(`the download from ${store.location}`, error, stageTimeLimitMs(run)))
  }
}

/** Form 1, restore: removes the file that `downloadFile` made, whole or half, if the scripts have not. */
export async function removeDownload(run: RunContext): Promise<void> {
  const path = run.job.downloadPath
  if (path === undefined) return
  await rm(path, { force: true })
  // What a download that was broken off by a crash has left.
  await rm(`${path}.partial`, { force: true })
}

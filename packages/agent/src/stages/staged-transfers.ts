import { constants, lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { ageKeys, isAgeIdentityList, transformSuffix } from '@osb-backup/core'
import { createDirectory, omitUndefined } from '@osb-backup/node'
import { NO_KEY } from '@osb-backup/protocol'
import { findZstdProgram, loadFile, readManifest } from '@osb-backup/storage'
import { insideDirectory } from '../scripts/held-directory.ts'
import type { ScriptAccount } from '../scripts/script-account.ts'
import { removeInside } from '../scripts/script-messages.ts'
import { dumpTransforms } from './dump-transforms.ts'
import { findDump, handOver, requireOwnDirectory, splitDumpName } from './job-directory.ts'
import { beginUpload } from './object-upload.ts'
import { findSource, transformsToReverse } from './restore-source.ts'
import { failed, type RunContext, type StepResult, stageTimeLimitMs, withinTimeLimit } from './run-context.ts'
import { storeDump } from './store-dump.ts'
import { transferFailure } from './transfer-failure.ts'

/** Size of a read. */
const READ_BYTES = 256 * 1024

/** Form 1, backup: uploads the file that the script wrote, unchanged unless the settings say otherwise. */
export function uploadDump(run: RunContext, signal: AbortSignal): Promise<StepResult> {
  return withinTimeLimit(run, signal, (both) => upload(run, both))
}

async function upload(run: RunContext, signal: AbortSignal): Promise<StepResult> {
  const { job, store } = run
  const dump = await findDump(run.directory, run.filename)
  if (!dump.ok) return failed(dump.error)
  const transforms = dumpTransforms(run)
  const { base, type } = splitDumpName(dump.value, run.filename)
  const wanted = {
    base: job.request.objectName ?? base,
    type: type + transformSuffix(transforms),
    prefix: job.request.namePrefix,
    takenAt: job.startedAt,
  }
  try {
    const begun = await beginUpload(run, wanted, signal)
    try {
      const content = await openDump(join(run.directory.path, dump.value), run.settings.scriptAccount)
      await storeDump(run, begun, { content, transforms, signal })
      begun.complete()
      return { ok: true }
    } finally {
      await begun.close()
    }
  } catch (error) {
    return { ok: false, ...transferFailure(`the upload to ${store.location}`, error, stageTimeLimitMs(run)) }
  }
}

/** Opens a dump for reading, unless it was exchanged for a link meanwhile. */
async function openDump(path: string, account: ScriptAccount | undefined): Promise<Readable> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new Error(`${path} is no longer a file`)
    // A hard link could lead to a file that the account of the scripts may not read.
    if (account !== undefined && found.uid !== account.uid)
      throw new Error(`${path} does not belong to ${account.name}`)
    return file.createReadStream({ highWaterMark: READ_BYTES })
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * Form 1, restore: downloads the file to where the script looks for it. Transforms that its manifest records are
 * reversed; otherwise the script gets the file unchanged, with the key.
 */
export function downloadFile(run: RunContext, signal: AbortSignal): Promise<StepResult> {
  return withinTimeLimit(run, signal, (both) => download(run, both))
}

async function download(run: RunContext, signal: AbortSignal): Promise<StepResult> {
  const { job, store, settings } = run
  const { source, encryptionKey } = job.request
  try {
    const name = await findSource(run, signal)
    // A request that says what is to be reversed, and not what the manifest must be, needs none.
    const isNeeded = source?.transforms === undefined || source.root !== undefined
    const read = isNeeded
      ? await readManifest(store, name, { signal, ...omitUndefined({ root: source?.root }) })
      : undefined
    const done = transformsToReverse(run, read?.manifest)
    if (done.encrypted && !isAgeIdentityList(encryptionKey)) {
      return failed(`encryption_key must be age identities (AGE-SECRET-KEY-1…): ${run.filename} is encrypted`)
    }
    const suffix = transformSuffix(done)
    if (suffix !== '') {
      run.dump = { filename: withoutSuffix(run.filename, suffix), compress: false, encryptionKey: NO_KEY }
    }
    // The script of the lock creates it, as old ones do, or none does.
    await createDirectory(run.directory.path, 0o700)
    await requireOwnDirectory(run.directory.path, settings.scriptAccount)
    await handOver(run.directory.path, settings.scriptAccount)
    return await insideDirectory(run.directory.path, settings.scriptAccount, async (directory) => {
      const path = join(run.directory.path, run.dump.filename)
      const inside = join(directory, run.dump.filename)
      if (!settings.mayDeleteFiles && (await lstat(inside).catch(() => undefined)) !== undefined) {
        return failed(`${path} already exists: remove it, or set allowed_to_delete_files to true`)
      }
      job.downloadPath = path
      await run.save()
      await loadFile(store, name, inside, {
        ...done,
        identities: done.encrypted ? ageKeys(encryptionKey) : [],
        ...omitUndefined({ zstdProgram: findZstdProgram(settings.scriptBase.PATH), expected: source }),
        manifest: read,
        ...omitUndefined({ owner: settings.scriptAccount }),
        signal,
        onProgress({ bytesRead }) {
          job.progress = { bytesRead, bytesStored: 0 }
        },
      })
      return { ok: true }
    })
  } catch (error) {
    return { ok: false, ...transferFailure(`the download from ${store.location}`, error, stageTimeLimitMs(run)) }
  }
}

/** An object may have been renamed to the suffix alone, but its file still needs a name. */
function withoutSuffix(filename: string, suffix: string): string {
  const isSuffixed = filename.endsWith(suffix) && filename.length > suffix.length
  return isSuffixed ? filename.slice(0, -suffix.length) : filename
}

/** Form 1, restore: removes the file of `downloadFile`, complete or not, if the scripts have not done so. */
export async function removeDownload({ job, settings: { scriptAccount } }: RunContext): Promise<void> {
  const path = job.downloadPath
  if (path === undefined) return
  await removeInside(path, scriptAccount)
  // Left by a download that was interrupted by a crash.
  await removeInside(`${path}.partial`, scriptAccount)
}

import type { Readable, Writable } from 'node:stream'
import { ageKeys } from '@osb-backup/core'
import { errorMessage, omitUndefined } from '@osb-backup/node'
import { findZstdProgram, loadContent, type ReadManifest, readManifest } from '@osb-backup/storage'
import { releaseBuffer } from '@osb-backup/storage/buffer-ownership'
import { writeMetadata } from '../scripts/script-messages.ts'
import { isSuccess, scriptFailure } from '../scripts/script-result.ts'
import { findSource, transformsToReverse } from './restore-source.ts'
import { type RunContext, type StepResult, stageTimeLimitMs, startStage, withinTimeLimit } from './run-context.ts'
import { transferFailure } from './transfer-failure.ts'

/**
 * Form 2: the stored object is decrypted, decompressed and piped into the script `restore`, verified bytes only: see
 * `loadContent`. The script sees the end of its input only if the object was
 * complete; otherwise it is killed, so that it cannot mistake a truncated dump for a short one.
 */
export function streamRestore(run: RunContext, path: string, signal: AbortSignal): Promise<StepResult> {
  return withinTimeLimit(run, signal, (both) => stream(run, path, signal, both))
}

/** @param both - Ends the transfer; `signal` ends the script. */
async function stream(run: RunContext, path: string, signal: AbortSignal, both: AbortSignal): Promise<StepResult> {
  const { job, store } = run
  const { source, encryptionKey } = job.request
  const what = `the download from ${store.location}`
  let content: Readable
  try {
    const name = await findSource(run, both)
    const read = await findManifest(run, name, both)
    await passMetadata(run, read)
    const transforms = transformsToReverse(run, read?.manifest)
    content = await loadContent(store, name, {
      ...transforms,
      identities: transforms.encrypted ? ageKeys(encryptionKey) : [],
      ...omitUndefined({ zstdProgram: findZstdProgram(run.settings.scriptBase.PATH), expected: source }),
      manifest: read,
      signal: both,
      onProgress: ({ bytesRead }) => {
        job.progress = { bytesRead, bytesStored: 0 }
      },
    })
  } catch (error) {
    return { ok: false, ...transferFailure(what, error, stageTimeLimitMs(run)) }
  }
  // `feed` throws its error; without this listener an error before or between two reads would end the agent.
  content.on('error', () => undefined)
  const script = await startStage(run, 'restore', path, signal, { stdin: 'stream' })
  if (script.input === undefined) {
    content.destroy()
    return { ok: false, ...scriptFailure(path, await script.ended) }
  }
  let contentError: unknown
  const feeding = feed(content, script.input).catch((error: unknown) => {
    contentError = error
    script.stop()
  })
  const end = await script.ended
  if (isSuccess(end.outcome)) await feeding
  else content.destroy()
  const logs = { stdout: end.stdout, stderr: end.stderr }
  if (contentError !== undefined && (end.outcome.kind === 'stopped' || isSuccess(end.outcome))) {
    return { ok: false, ...transferFailure(what, contentError, stageTimeLimitMs(run)), ...logs }
  }
  return isSuccess(end.outcome) ? { ok: true, ...logs } : { ok: false, ...scriptFailure(path, end), ...logs }
}

/**
 * The manifest of an object, whose metadata is for the scripts. Where its root was recorded, the manifest must be that one.
 * Other restores do not depend on it, so a problem with it is only a warning.
 */
async function findManifest(
  { job, store, mask }: RunContext,
  name: string,
  signal: AbortSignal,
): Promise<ReadManifest | undefined> {
  const root = job.request.source?.root
  const warn = (problem: string) => job.warnings.push({ code: 'agent-manifest', message: mask.mask(problem) })
  try {
    const read = await readManifest(store, name, { signal, ...omitUndefined({ root }) })
    if (read === undefined && root !== undefined) warn('The manifest beside the object is missing.')
    return read
  } catch (error) {
    signal.throwIfAborted()
    if (root !== undefined) throw error
    warn(`The manifest beside the object could not be used: ${errorMessage(error)}`)
    return undefined
  }
}

/**
 * Passes the metadata of a manifest to the script, provided that its root was recorded. Without a recorded root, anyone with
 * write access to the store may have replaced the manifest, and scripts act on it as administrators of the database.
 */
async function passMetadata({ job, directory }: RunContext, read: ReadManifest | undefined): Promise<void> {
  const metadata = read?.manifest.metadata
  if (metadata === undefined) return
  if (job.request.source?.root !== undefined) return writeMetadata(directory.messages, metadata)
  const message =
    'The restore script gets no metadata: the root of the manifest was not recorded, so it cannot be verified.'
  job.warnings.push({ code: 'agent-manifest', message })
}

/**
 * Writes content to the standard input of a script. A script may stop reading early; the content is still read to its
 * end, where its digest is compared.
 *
 * @throws The error of the content. The input is left open then, since its end would mean that the content was
 *   complete.
 */
async function feed(content: Readable, input: Writable): Promise<void> {
  input.on('error', () => undefined)
  for await (const chunk of content) {
    // If the script has stopped reading, the callback is called with an error.
    if (input.writable) await new Promise<void>((resolve) => input.write(chunk, () => resolve()))
    releaseBuffer(chunk)
  }
  if (input.writable) input.end()
}

import type { Readable, Writable } from 'node:stream'
import { ageKeys, transformsOfName } from '@osb-backup/core'
import { errorMessage, omitUndefined } from '@osb-backup/node'
import { findZstdProgram, loadContent, readManifest, releaseBuffer } from '@osb-backup/storage'
import { messageFiles, writeMetadata } from '../scripts/script-messages.ts'
import { isSuccess, scriptFailure } from '../scripts/script-result.ts'
import { type RunContext, type StepResult, stageTimeLimitMs, startStage, transferSignal } from './run-context.ts'
import { transferFailure } from './transfer-failure.ts'

/**
 * Form 2: the stored object is decrypted, decompressed and piped into the script `restore`. Where size or digest are
 * known, the object is checked before the script starts. The script sees the end of its input only if the object was
 * complete; otherwise it is killed, so that it cannot mistake a truncated dump for a short one.
 */
export async function streamRestore(run: RunContext, path: string, signal: AbortSignal): Promise<StepResult> {
  const { job, store } = run
  const { source, namePrefix, encryptionKey } = job.request
  const both = transferSignal(run, signal)
  const what = `the download from ${store.location}`
  const transforms = transformsOfName(run.filename)
  let content: Readable
  try {
    await handOverMetadata(run, both)
    content = await loadContent(store, namePrefix + run.filename, {
      ...transforms,
      identities: transforms.encrypted ? ageKeys(encryptionKey) : [],
      ...omitUndefined({ zstdProgram: findZstdProgram(run.settings.scriptBase.PATH), expected: source }),
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
 * Passes the metadata in the manifest to the scripts. A restore does not depend on it, so a problem with the manifest
 * is only a warning.
 */
async function handOverMetadata(
  { job, store, filename, directory, mask }: RunContext,
  signal: AbortSignal,
): Promise<void> {
  try {
    const manifest = await readManifest(store, job.request.namePrefix + filename, { signal })
    if (manifest?.metadata !== undefined) await writeMetadata(messageFiles(directory.path), manifest.metadata)
  } catch (error) {
    signal.throwIfAborted()
    const message = `The manifest beside the object could not be used: ${errorMessage(error)}`
    job.warnings.push({ code: 'agent-manifest', message: mask.mask(message) })
  }
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

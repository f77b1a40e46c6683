import type { Readable } from 'node:stream'
import { omitUndefined } from '@osb-backup/node'
import { type AgentTransforms, NO_KEY } from '@osb-backup/protocol'
import {
  combineErrors,
  findZstdProgram,
  removeWithManifest,
  reportsOrphans,
  type StoredContent,
  storeContent,
  writeManifest,
} from '@osb-backup/storage'
import { readMetadata } from '../scripts/script-messages.ts'
import { agentTransforms, type DumpTransforms } from './dump-transforms.ts'
import type { ObjectUpload } from './object-upload.ts'
import type { RunContext } from './run-context.ts'

const REMOVE_TIMEOUT_MS = 30_000

/** A dump to be stored. */
export interface DumpSource {
  /** Read once; destroyed on failure. */
  content: Readable
  transforms: DumpTransforms
  signal: AbortSignal
}

/**
 * Stores a dump, and beside it, last, the manifest that describes it. The job knows of the dump when this resolves; when
 * it rejects, nothing is left in the store, or the upload knows that something may be.
 */
export async function storeDump(run: RunContext, upload: ObjectUpload, source: DumpSource): Promise<void> {
  try {
    await storeWithManifest(run, upload, source)
  } catch (error) {
    if (reportsOrphans(error)) upload.leavesOrphans()
    throw error
  }
}

async function storeWithManifest(run: RunContext, upload: ObjectUpload, source: DumpSource): Promise<void> {
  const { job, settings, store } = run
  const { content, transforms, signal } = source
  const { compression, level, recipients } = transforms
  const stored = await storeContent(store, upload.name, content, {
    compression,
    ...omitUndefined({ compressionLevel: level, zstdProgram: findZstdProgram(settings.scriptBase.PATH) }),
    recipients,
    // The name was free when it was claimed, but another agent may have used it since.
    mustBeNew: true,
    recorder: upload.recorder,
    signal,
    onProgress(progress) {
      job.progress = progress
    },
  })
  const root = settings.transfers.writesManifests ? await describeDump(run, upload, source, stored) : undefined
  const { sizeBytes, sha256, originalSizeBytes, originalSha256 } = stored
  // If scripts compressed and encrypted a file, its original size is unknown.
  const original = agentTransforms(run) ? { originalSizeBytes, originalSha256 } : {}
  const report = { ...omitUndefined({ root }), ...original, transforms: reportOf(run, transforms) }
  job.stored = { filename: upload.filename, sizeBytes, sha256, ...report }
}

function reportOf(run: RunContext, { compression, encrypted }: DumpTransforms): AgentTransforms {
  return { by: agentTransforms(run) ? 'agent' : 'script', compression, encrypted }
}

/** Writes the manifest of a dump, and returns its root. */
async function describeDump(
  run: RunContext,
  upload: ObjectUpload,
  { transforms, signal }: DumpSource,
  { sizeBytes, sha256, chunks, originalSizeBytes, originalSha256 }: StoredContent,
): Promise<string> {
  const { job, pack, store } = run
  const { request, startedAt } = job
  const byScript = agentTransforms(run) || request.encryptionKey === NO_KEY ? 'none' : 'script'
  const { metadata, problem } = await readMetadata(run.directory.messages)
  if (problem !== undefined) {
    const message = `What the scripts wrote to BACKUP_METADATA is not kept: ${problem}`
    job.warnings.push({ code: 'agent-metadata', message: run.mask.mask(message) })
  }
  const manifest = {
    instance: request.instance,
    plan: request.plan,
    item: request.database.name,
    host: request.database.host,
    job: request.id,
    startedAt: startedAt.toISOString(),
    storedAt: run.now().toISOString(),
    stored: { sizeBytes, sha256 },
    chunks: { sizeBytes: chunks.chunkBytes, sha256: [...chunks.sha256] },
    original: agentTransforms(run) ? { sizeBytes: originalSizeBytes, sha256: originalSha256 } : undefined,
    transforms: {
      compression: transforms.compression,
      encryption: transforms.encrypted ? ('age' as const) : byScript,
    },
    compressionRequested: request.compress,
    recipients: transforms.recipients,
    ...(metadata === undefined ? {} : { metadata }),
    scriptPack: pack.form === 1 ? { form: 1 } : { form: 2, name: pack.name, type: pack.type },
  } as const
  try {
    return (await writeManifest(store, upload.name, manifest, { signal })).root
  } catch (error) {
    // Not with the caller's signal: it may be the reason for the failure.
    await removeWithManifest(store, upload.name, { signal: AbortSignal.timeout(REMOVE_TIMEOUT_MS) }).catch(
      (cause: unknown) => {
        throw combineErrors(error, cause)
      },
    )
    throw error
  }
}

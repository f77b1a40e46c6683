import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { omitUndefined } from '@osb-backup/node'
import { ChunkDigests } from '../chunks/chunk-list.ts'
import type { ObjectStore, StoredObject } from '../object-store.ts'
import { combineErrors, reportsOrphans } from '../store-error.ts'
import { ageEncryptor } from './age-encrypt.ts'
import { compressor } from './compression.ts'
import { ContentError } from './content-error.ts'
import type { StoreContentOptions, StoredContent } from './content-options.ts'
import { meter } from './meter.ts'

/**
 * Compresses, encrypts and stores a stream while it is read, in bounded memory. When this resolves, the object is in
 * the store, and the store confirmed that it has exactly the bytes that were sent.
 *
 * @param source - Read once; destroyed on failure. If it fails, this rejects with its error and nothing is stored: a
 *   source that can fail half-way (a dump) must fail, not end.
 * @throws {ContentError} With `invalid-key` for a bad recipient, `mismatch` if the store has another size,
 *   `program-failed` if the compressing program did.
 * @throws {RangeError} If the format has no such level.
 * @throws {StoreError} If the store failed.
 * @throws The signal's reason if it fired; nothing is stored then.
 */
export async function storeContent(
  store: ObjectStore,
  name: string,
  source: Readable,
  options: StoreContentOptions,
): Promise<StoredContent> {
  const { signal, onProgress, mustBeNew, recorder } = options
  try {
    signal?.throwIfAborted()
    const digests = new ChunkDigests()
    const stored = meter((bytesStored, chunk) => {
      digests.update(chunk)
      onProgress?.({ bytesRead: original.sizeBytes, bytesStored })
    })
    const encrypt = options.recipients.length > 0 ? await ageEncryptor(options.recipients) : undefined
    const { compression, compressionLevel: level, zstdProgram } = options
    const compress = compressor(compression, omitUndefined({ level, zstdProgram }))
    // Without transforms the original is what is stored, and one meter is enough.
    const original = compress === undefined && encrypt === undefined ? stored : meter()
    const stages = [...new Set([original, compress, encrypt, stored])].filter((stage) => stage !== undefined)
    const feeding = pipeline([source, ...stages], { signal })
    const { tag } = await runBoth(
      feeding,
      store.put(name, stored, omitUndefined({ signal, mustBeNew, recorder })),
      signal,
    )
    await checkStored(store, name, { sizeBytes: stored.sizeBytes, tag }, signal)
    return {
      name,
      sizeBytes: stored.sizeBytes,
      sha256: stored.sha256,
      chunks: digests.finish(),
      originalSizeBytes: original.sizeBytes,
      originalSha256: original.sha256,
    }
  } finally {
    source.destroy()
  }
}

/**
 * Waits for both halves of a transfer to finish. When one fails, the other fails with it, so the first error is
 * reported, unless a later one says that something may be left in the store.
 */
async function runBoth(
  feeding: Promise<void>,
  putting: Promise<StoredObject>,
  signal?: AbortSignal,
): Promise<StoredObject> {
  const errors: unknown[] = []
  const note = (error: unknown) => {
    errors.push(error)
  }
  const [stored] = await Promise.all([putting.catch(note), feeding.catch(note)])
  if (errors.length === 0 && stored) return stored
  const orphans = errors.find(reportsOrphans)
  if (orphans) throw orphans
  signal?.throwIfAborted()
  throw errors.find((error) => !isEcho(error)) ?? errors[0]
}

/**
 * Whether an error only follows from the failure of the other half; the caller's own cancellation was checked before.
 */
function isEcho(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || ('code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')
}

/**
 * Compares the size and, where the store returns one, the tag of the stored object. Half a backup must not look like a backup, so a
 * wrong object is removed, unless it may be one that replaced ours.
 */
async function checkStored(
  store: ObjectStore,
  name: string,
  sent: { sizeBytes: number; tag: string | undefined },
  signal?: AbortSignal,
): Promise<void> {
  try {
    const found = await store.head(name, omitUndefined({ signal }))
    if (found?.sizeBytes !== sent.sizeBytes) {
      throw new ContentError(
        'mismatch',
        `${sent.sizeBytes} bytes were sent to "${name}" in ${store.location}, which now has ` +
          `${found ? `${found.sizeBytes} of them` : 'no such object'}.`,
      )
    }
    if (isOther(found, sent)) {
      throw new ContentError(
        'mismatch',
        `"${name}" in ${store.location} has the ETag ${found.tag} where ${sent.tag} was stored: its bytes were changed, ` +
          `or another upload replaced it.`,
      )
    }
    return
  } catch (error) {
    // Not with the caller's signal: it may be the reason for the failure.
    await removeStored(store, name, sent, AbortSignal.timeout(60_000)).catch((cause: unknown) => {
      throw combineErrors(error, cause)
    })
    throw error
  }
}

async function removeStored(
  store: ObjectStore,
  name: string,
  sent: { sizeBytes: number; tag: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const found = await store.head(name, { signal })
  if (found === undefined || isOther(found, sent)) return
  const isComparable = sent.tag !== undefined && found.tag !== undefined
  if (isComparable || found.sizeBytes === sent.sizeBytes) await store.removeIfSame(found, { signal })
}

const isOther = (found: StoredObject, sent: { tag: string | undefined }): boolean =>
  sent.tag !== undefined && found.tag !== undefined && found.tag !== sent.tag

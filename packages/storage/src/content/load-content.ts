import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { omitUndefined } from '@osb-backup/node'
import type { ChunkList } from '../chunks/chunk-list.ts'
import { openVerified } from '../chunks/verified-download.ts'
import { chunkListOf, readManifest } from '../manifest/object-manifest.ts'
import type { ObjectStore } from '../object-store.ts'
import { relay } from '../relay.ts'
import { ageDecryptor } from './age-decrypt.ts'
import { decompressor } from './compression.ts'
import { ContentError, noManifest } from './content-error.ts'
import type { LoadContentOptions } from './content-options.ts'
import { checkExpected, checkNotLonger, meter } from './meter.ts'
import { digestObject } from './verify-object.ts'

/**
 * Reads back what `storeContent` stored. The stream ends only if the object was complete, matched what is expected of
 * it, and was decrypted and decompressed to its end; otherwise it fails.
 *
 * Only verified bytes are decrypted, decompressed and delivered. The digests of the object's chunks come from its manifest if
 * the root of that was recorded; the object is read once then. Otherwise they are taken from the object itself while it is
 * read and compared with its own digest, or with its size where nothing else was recorded, and it is read again.
 *
 * @returns A stream that the caller reads to its end or destroys.
 * @throws {ContentError} For a mismatch or a bad identity; damage that is found later fails the stream.
 * @throws {StoreError} With code `absent` if there is no such object.
 */
export async function loadContent(store: ObjectStore, name: string, options: LoadContentOptions): Promise<Readable> {
  const { expected = {}, signal } = options
  const recorded = await recordedChunks(store, name, options)
  const { sizeBytes } = expected
  if (sizeBytes !== undefined) {
    const found = await store.head(name, omitUndefined({ signal }))
    if (found !== undefined) checkExpected(name, found, { sizeBytes })
  }
  if (recorded === undefined && expected.root !== undefined && expected.sha256 === undefined) {
    throw noManifest(name)
  }
  const isUnknown = expected.sha256 === undefined && sizeBytes === undefined
  if (recorded !== undefined || isUnknown) return openContent(store, name, options, recorded)
  const { chunks } = await digestObject(store, name, expected, options)
  return openContent(store, name, options, chunks)
}

/**
 * The digests of chunks as the manifest records them, if it is the one that the root is of, or if nothing else is known of the
 * object.
 */
async function recordedChunks(
  store: ObjectStore,
  name: string,
  { expected = {}, manifest: given, signal }: LoadContentOptions,
): Promise<ChunkList | undefined> {
  const { root, sha256, sizeBytes } = expected
  if (root === undefined && sha256 !== undefined) return undefined
  const read = given ?? (root && (await readManifest(store, name, omitUndefined({ root, signal }))))
  if (!read) return undefined
  if (root !== undefined && read.root !== root) {
    throw new ContentError('mismatch', `The manifest of "${name}" is not the one that was recorded.`)
  }
  const { stored } = read.manifest
  checkExpected(name, stored, omitUndefined({ sizeBytes, sha256 }))
  return chunkListOf(read.manifest)
}

/**
 * Like `loadContent`, but without a list of chunks verifies only at the end: for callers that do not use any byte before.
 *
 * @param chunks - Only what matches them is passed on.
 */
export async function openContent(
  store: ObjectStore,
  name: string,
  options: LoadContentOptions,
  chunks?: ChunkList,
): Promise<Readable> {
  const { signal, onProgress, expected = {} } = options
  const decrypt = options.encrypted ? ageDecryptor(options.identities) : undefined
  const decompress = decompressor(options.compression, omitUndefined({ zstdProgram: options.zstdProgram }))
  const stored =
    chunks === undefined
      ? meter(
          (bytesRead) => {
            checkNotLonger(name, bytesRead, expected)
            onProgress?.({ bytesRead })
          },
          (measured) => checkExpected(name, measured, expected),
        )
      : undefined
  const object =
    chunks === undefined
      ? await store.get(name, omitUndefined({ signal }))
      : await openVerified(store, name, chunks, { signal, onProgress })
  const stages = [stored, decrypt, decompress].filter((stage) => stage !== undefined)
  const last = stages.at(-1)
  if (last === undefined) return object
  const running = pipeline([object, ...stages], omitUndefined({ signal }))
  // The reader of the last stage sees its error; this listener keeps it from being unhandled too.
  running.catch(() => undefined)
  return relay(last, {
    // The last stage may end before the first has compared digests.
    beforeEnd: () => running,
    translate: (error) => asContentError(name, error),
    ...omitUndefined({ signal }),
  })
}

/** Adds the name of the object to an error that does not contain it. */
function asContentError(name: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (error instanceof ContentError) {
    if (error.message.startsWith(`"${name}"`)) return error
    return new ContentError(error.code, `"${name}": ${error.message}`, { cause: error })
  }
  if (!/^(Z_|ZSTD_|ERR_TRAILING_JUNK)/.test(code)) {
    return error instanceof Error ? error : new Error(`Could not read "${name}".`, { cause: error })
  }
  return new ContentError('corrupt', `"${name}" is damaged, truncated or not compressed as recorded (${code}).`, {
    cause: error,
  })
}

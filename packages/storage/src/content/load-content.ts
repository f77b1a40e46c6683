import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { omitUndefined } from '@osb-backup/node'
import type { ObjectStore } from '../object-store.ts'
import { relay } from '../relay.ts'
import { ageDecryptor } from './age-decrypt.ts'
import { decompressor } from './compression.ts'
import { ContentError } from './content-error.ts'
import type { LoadContentOptions } from './content-options.ts'
import { checkExpected, meter } from './meter.ts'
import { verifyObject } from './verify-object.ts'

/**
 * Reads back what `storeContent` stored. The stream ends only if the object was complete, matched what is expected of
 * it, and was decrypted and decompressed to its end; otherwise it fails.
 *
 * Where the object is not encrypted and something is expected of it, it is first read once and checked, so that not one
 * byte of a wrong object is delivered. Encrypted content needs no such pass, since age authenticates every chunk.
 *
 * @returns A stream that the caller reads to its end or destroys.
 * @throws {ContentError} For a mismatch or a bad identity; damage that is found later fails the stream.
 * @throws {StoreError} With code `absent` if there is no such object.
 */
export async function loadContent(store: ObjectStore, name: string, options: LoadContentOptions): Promise<Readable> {
  const expected = options.expected ?? {}
  const isExpected = expected.sizeBytes !== undefined || expected.sha256 !== undefined
  if (isExpected && !options.encrypted) await verifyObject(store, name, expected, options)
  return openContent(store, name, options)
}

/** Like `loadContent`, but verifies only at the end: for callers that do not use any byte before. */
export async function openContent(store: ObjectStore, name: string, options: LoadContentOptions): Promise<Readable> {
  const { signal, onProgress, expected = {} } = options
  const stored = meter(
    (bytesRead) => onProgress?.({ bytesRead }),
    (measured) => checkExpected(name, measured, expected),
  )
  const decrypt = options.encrypted ? ageDecryptor(options.identities) : undefined
  const decompress = decompressor(options.compression, options)
  const stages = [stored, decrypt, decompress].filter((stage) => stage !== undefined)
  const object = await store.get(name, omitUndefined({ signal }))
  const running = pipeline([object, ...stages], { signal })
  // The reader of the last stage sees its error; this listener keeps it from being unhandled too.
  running.catch(() => undefined)
  return relay(stages.at(-1) ?? stored, {
    // The last stage may end before the first has compared digests.
    beforeEnd: () => running,
    translate: (error) => asContentError(name, error),
    ...omitUndefined({ signal }),
  })
}

/** Adds the name of the object to a decompressor's error; others contain it already. */
function asContentError(name: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (error instanceof ContentError) {
    return new ContentError(error.code, `"${name}": ${error.message}`, { cause: error })
  }
  if (!/^(Z_|ZSTD_|ERR_TRAILING_JUNK)/.test(code)) {
    return error instanceof Error ? error : new Error(`Could not read "${name}".`, { cause: error })
  }
  return new ContentError('corrupt', `"${name}" is damaged, truncated or not compressed as recorded (${code}).`, {
    cause: error,
  })
}

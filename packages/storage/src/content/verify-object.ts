import { randomInt } from 'node:crypto'
import { type Duplex, type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { omitUndefined } from '@osb-backup/node'
import { releaseBuffer } from '../buffer-ownership.ts'
import { ChunkDigests, type ChunkList } from '../chunks/chunk-list.ts'
import { fetchChunk, openVerified } from '../chunks/verified-download.ts'
import { chunkListOf, type ExpectedObject, readManifest } from '../manifest/object-manifest.ts'
import type { CallOptions, ObjectStore } from '../object-store.ts'
import { ContentError, noManifest } from './content-error.ts'
import { checkExpected, checkNotLonger, meter } from './meter.ts'

/** Options of `verifyObject`. */
export interface VerifyOptions extends CallOptions {
  /** The percentage of chunks to read, chosen at random, at least one; an object without recorded chunks is read whole. */
  samplePercent?: number | undefined
  onProgress?: ((progress: { bytesRead: number }) => void) | undefined
}

/** What was read of an object. */
export interface VerifiedObject {
  sizeBytes: number
  /** Unknown if the object was verified by the digests of its chunks. */
  sha256?: string
  verifiedBytes: number
}

/**
 * Reads an object, without storing it, and compares it with what was recorded: with the digests of its chunks if the root of
 * its manifest was, otherwise with its own digest.
 *
 * @throws {ContentError} With code `mismatch` or `corrupt`.
 */
export async function verifyObject(
  store: ObjectStore,
  name: string,
  expected: ExpectedObject,
  options: VerifyOptions = {},
): Promise<VerifiedObject> {
  const { signal, onProgress, samplePercent } = options
  const { root } = expected
  await checkSize(store, name, expected, options)
  const read = root === undefined ? undefined : await readManifest(store, name, omitUndefined({ root, signal }))
  const list = read && chunkListOf(read.manifest)
  if (read === undefined || list === undefined) {
    if (root !== undefined && expected.sha256 === undefined) throw noManifest(name)
    const { sizeBytes, sha256 } = await digestObject(store, name, expected, options)
    return { sizeBytes, sha256, verifiedBytes: sizeBytes }
  }
  const { sizeBytes, sha256 } = expected
  checkExpected(name, read.manifest.stored, omitUndefined({ sizeBytes, sha256 }))
  if (samplePercent !== undefined) return verifySample({ store, name, list }, samplePercent, options)
  await drain([await openVerified(store, name, list, { signal, onProgress })], signal)
  return { sizeBytes: list.objectBytes, verifiedBytes: list.objectBytes }
}

/** A truncated object need not be read. */
async function checkSize(
  store: ObjectStore,
  name: string,
  { sizeBytes }: ExpectedObject,
  { signal }: CallOptions,
): Promise<void> {
  if (sizeBytes === undefined) return
  const found = await store.head(name, omitUndefined({ signal }))
  if (found) checkExpected(name, found, { sizeBytes })
}

async function verifySample(
  object: { store: ObjectStore; name: string; list: ChunkList },
  percent: number,
  { signal, onProgress }: VerifyOptions,
): Promise<VerifiedObject> {
  const { objectBytes, sha256 } = object.list
  const chosen = sample(sha256.length, percent)
  let verifiedBytes = 0
  for (const index of chosen) {
    const bytes = await fetchChunk(object, index, signal).catch((error: unknown) => {
      if (!(error instanceof ContentError)) throw error
      return fetchChunk(object, index, signal)
    })
    verifiedBytes += bytes.length
    onProgress?.({ bytesRead: verifiedBytes })
  }
  return { sizeBytes: objectBytes, verifiedBytes }
}

/** Chooses a share of the numbers below a limit, at random and in their order. */
function sample(limit: number, percent: number): number[] {
  const wanted = Math.min(limit, Math.max(1, Math.ceil((limit * percent) / 100)))
  const numbers = Array.from({ length: limit }, (_, index) => index)
  for (let at = 0; at < wanted; at++) {
    const other = randomInt(at, limit)
    ;[numbers[at], numbers[other]] = [numbers[other] ?? 0, numbers[at] ?? 0]
  }
  return numbers.slice(0, wanted).toSorted((left, right) => left - right)
}

/** Reads streams to their end. */
async function drain(streams: [Readable, ...Duplex[]], signal: AbortSignal | undefined): Promise<void> {
  const nowhere = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      releaseBuffer(chunk)
      callback()
    },
  })
  try {
    await pipeline([...streams, nowhere], omitUndefined({ signal }))
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/**
 * Reads an object to its end, and computes its digests.
 *
 * @throws {ContentError} With code `mismatch`.
 */
export async function digestObject(
  store: ObjectStore,
  name: string,
  { sizeBytes, sha256 }: ExpectedObject,
  { signal, onProgress }: Omit<VerifyOptions, 'samplePercent'> = {},
): Promise<{ sizeBytes: number; sha256: string; chunks: ChunkList }> {
  const digests = new ChunkDigests()
  const measured = meter((bytesRead, chunk) => {
    checkNotLonger(name, bytesRead, omitUndefined({ sizeBytes }))
    digests.update(chunk)
    onProgress?.({ bytesRead })
  })
  await drain([await store.get(name, omitUndefined({ signal })), measured], signal)
  checkExpected(name, measured, omitUndefined({ sizeBytes, sha256 }))
  return { sizeBytes: measured.sizeBytes, sha256: measured.sha256, chunks: digests.finish() }
}

import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { CallOptions, ObjectStore } from '../object-store.ts'
import type { LoadContentOptions } from './content-options.ts'
import { checkExpected, type ExpectedContent, meter } from './meter.ts'

/**
 * Reads an object to its end, without storing it, and compares it with what was recorded.
 *
 * @param options - `onProgress` is called during the transfer, with the total since the start.
 * @returns Its size and SHA-256.
 * @throws {ContentError} With code `mismatch`.
 */
export async function verifyObject(
  store: ObjectStore,
  name: string,
  expected: ExpectedContent,
  options: CallOptions & Pick<LoadContentOptions, 'onProgress'> = {},
): Promise<Required<ExpectedContent>> {
  const { signal, onProgress } = options
  if (expected.sizeBytes !== undefined) {
    // A truncated object need not be read.
    const found = await store.head(name, options)
    if (found) checkExpected(name, found, { sizeBytes: expected.sizeBytes })
  }
  const measured = meter((bytesRead) => onProgress?.({ bytesRead }))
  const nowhere = new Writable({ write: (_chunk, _encoding, callback) => callback() })
  try {
    await pipeline(await store.get(name, options), measured, nowhere, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
  checkExpected(name, measured, expected)
  return { sizeBytes: measured.sizeBytes, sha256: measured.sha256 }
}

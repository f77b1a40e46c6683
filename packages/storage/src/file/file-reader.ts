import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { destroyOnAbort } from '../destroy-on-abort.ts'
import { StoreError } from '../store-error.ts'
import { toFileStoreError } from './file-error.ts'

const CHUNK_SIZE_BYTES = 256 * 1024

/** Reads a range of an open file, and closes it in any case. A file that is, or became, shorter is an error. */
export function readFrom(
  handle: FileHandle,
  { from, end }: { from: number; end: number },
  doing: string,
  signal?: AbortSignal,
): Readable {
  const sizeBytes = end - from
  let readBytes = 0
  const stream = new Readable({
    highWaterMark: CHUNK_SIZE_BYTES,
    async read() {
      try {
        const wanted = Math.min(CHUNK_SIZE_BYTES, sizeBytes - readBytes)
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, from + readBytes)
        if (bytesRead === 0 && wanted > 0) {
          throw new StoreError('temporary', `Could not ${doing}: it became shorter while it was read.`)
        }
        readBytes += bytesRead
        this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead))
      } catch (error) {
        this.destroy(toFileStoreError(error, doing))
      }
    },
    destroy(error, callback) {
      handle.close().then(
        () => callback(error),
        (closing: unknown) => callback(error ?? toFileStoreError(closing, doing)),
      )
    },
  })
  destroyOnAbort(stream, signal)
  return stream
}

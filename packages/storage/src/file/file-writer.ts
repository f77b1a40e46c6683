import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { consume } from '../consume.ts'
import { type RetryOptions, withRetries } from '../retrying.ts'
import { toFileStoreError } from './file-error.ts'

/** How a file is written. */
export interface FileWriteOptions {
  /** For messages: `store "x" in directory y`. */
  doing: string
  retry: RetryOptions
  signal?: AbortSignal | undefined
}

/**
 * Writes all content to an open file, syncs and closes it, and returns its size. Writes that fail temporarily, as on a
 * mount over a network, are retried at their position. Only the file's own errors are translated; those of the content
 * are passed on.
 */
export async function writeWhole(handle: FileHandle, content: Readable, options: FileWriteOptions): Promise<number> {
  const { doing, retry, signal } = options
  const translated = async <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw toFileStoreError(error, doing)
    })
  const write = async (chunks: AsyncIterable<Buffer>): Promise<number> => {
    let sizeBytes = 0
    for await (const chunk of chunks) {
      const position = sizeBytes
      await withRetries(() => translated(writeAt(handle, chunk, position)), retry, signal)
      sizeBytes += chunk.length
    }
    // Never retried: the system may have dropped what it could not write, and the next sync would succeed without it.
    await translated(handle.sync())
    return sizeBytes
  }
  try {
    return await consume(content, write, signal)
  } finally {
    await translated(handle.close())
  }
}

async function writeAt(handle: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    at += (await handle.write(chunk, at, chunk.length - at, position + at)).bytesWritten
  }
}

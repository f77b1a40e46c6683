/** Memory that belongs to the reader of its chunk alone. */
const transferred = new WeakSet<ArrayBufferLike>()

/**
 * Transfers the memory of a chunk to its reader. The caller created the chunk and keeps no reference to it or to a part
 * of it.
 *
 * Each chunk of a stream is a buffer, and until V8 collects the unused ones, tens of megabytes of them accumulate.
 * Readers that know when they are done with a chunk release it instead.
 */
export function transferOwnership(chunk: Buffer): Buffer {
  const isAll = chunk.byteLength === chunk.buffer.byteLength
  if (isAll) transferred.add(chunk.buffer)
  return chunk
}

/**
 * Releases the memory of a chunk whose ownership was transferred; the chunk is empty after that. The caller is its last
 * reader. A part of a chunk releases nothing, since others may read the rest.
 */
export function releaseBuffer({ buffer, byteLength }: Buffer): void {
  if (byteLength === buffer.byteLength && transferred.delete(buffer) && buffer instanceof ArrayBuffer)
    buffer.transfer(0)
}

/** Memory that nobody but the reader of its chunk has. */
const transferred = new WeakSet<ArrayBufferLike>()

/**
 * Leaves the memory of a chunk to its reader. For whoever made the chunk, and neither keeps it nor a part of it.
 *
 * Each chunk that passes is a buffer, and until V8 looks for those that nobody needs any more, tens of megabytes of them lie
 * around. Readers that know when they are done with a chunk free it then.
 */
export function transferOwnership(chunk: Buffer): Buffer {
  const isAll = chunk.byteLength === chunk.buffer.byteLength
  if (isAll) transferred.add(chunk.buffer)
  return chunk
}

/**
 * Frees the memory of a chunk, if it was given away. For the last one who reads it: it is empty after that. A part of a chunk
 * frees nothing, since others may read the rest.
 */
export function releaseBuffer({ buffer, byteLength }: Buffer): void {
  if (byteLength === buffer.byteLength && transferred.delete(buffer) && buffer instanceof ArrayBuffer)
    buffer.transfer(0)
}

/**
 * Cuts a stream into pieces of given sizes, each in memory as a whole. Yields at least one piece, which is empty for
 * empty content; only the last may be smaller than asked for.
 *
 * @param sizeOf - Size of the piece with a number, from 1.
 */
export async function* cut(
  chunks: AsyncIterable<Buffer>,
  sizeOf: (pieceNumber: number) => number,
): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let heldBytes = 0
  let pieceNumber = 1
  for await (const chunk of chunks) {
    held.push(chunk)
    heldBytes += chunk.length
    // More than, not at least: what remains is the last piece, so it must not be empty.
    while (heldBytes > sizeOf(pieceNumber)) {
      const all = Buffer.concat(held, heldBytes)
      const size = sizeOf(pieceNumber++)
      yield all.subarray(0, size)
      held = [all.subarray(size)]
      heldBytes -= size
    }
  }
  yield Buffer.concat(held, heldBytes)
}

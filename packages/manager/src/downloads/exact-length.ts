import { pipeline, type Readable, Transform } from 'node:stream'

/**
 * Passes content on, and fails if it does not have the announced size. Bytes after those of an answer would be read as the
 * beginning of the next answer on the same connection, and those of the next answer as the rest of a shorter one.
 */
export function exactly(content: Readable, sizeBytes: number): Readable {
  let leftBytes = sizeBytes
  const exact = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      leftBytes -= chunk.length
      if (leftBytes < 0) callback(new Error(`The store sent more than the ${sizeBytes} bytes that it announced.`))
      else callback(null, chunk)
    },
    flush(callback) {
      if (leftBytes > 0)
        callback(new Error(`The store sent ${leftBytes} bytes less than the ${sizeBytes} that it announced.`))
      else callback()
    },
  })
  return pipeline(content, exact, () => undefined)
}

import type { Readable } from 'node:stream'

/** Longest time to receive an answer that is not the content of an object, however slowly it comes. */
const ANSWER_DEADLINE_MS = 600_000
/** Longest time to receive the rest of an answer that is discarded. */
export const DISCARD_DEADLINE_MS = 60_000
/** Largest explanation of a failure that is read. */
export const MAX_ERROR_BYTES = 256 * 1024

/** How much of an answer is read, and for how long. */
export interface BodyLimits {
  maximumBytes: number
  /** Default: `ANSWER_DEADLINE_MS`. */
  deadlineMs?: number
}

/**
 * Reads the body of an answer into memory. No server is trusted to be quick, or to send as little as it announced.
 *
 * @returns Undefined if it is larger than allowed; the connection is closed then.
 * @throws If the connection fails, or at the deadline.
 */
export async function readBody(body: Readable, limits: BodyLimits): Promise<Buffer | undefined> {
  const { maximumBytes, deadlineMs = ANSWER_DEADLINE_MS } = limits
  const late = Object.assign(new Error('The answer did not end in time'), { code: 'ETIMEDOUT' })
  const timer = setTimeout(() => body.destroy(late), deadlineMs)
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length
      if (sizeBytes > maximumBytes) return undefined
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } finally {
    clearTimeout(timer)
    // Also closes the connection, unless everything was read.
    body.destroy()
  }
}

import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * Passes a stream to `sink` and settles only when the sink has settled, so that nothing it started is still running.
 * The content is destroyed on failure.
 *
 * @param sink - Must settle soon after `signal` fires; its iteration of the content fails then.
 * @returns The result of the sink.
 * @throws The signal's reason if it fired, else the sink's or the content's own error.
 */
export async function consume<Result>(
  content: Readable,
  sink: (chunks: AsyncIterable<Buffer>) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  try {
    signal?.throwIfAborted()
    const outcome: { value?: Result } = {}
    await pipeline(
      content,
      async (chunks: AsyncIterable<Buffer>) => {
        outcome.value = await sink(chunks)
      },
      { signal },
    )
    return outcome.value as Result
  } catch (error) {
    content.destroy()
    signal?.throwIfAborted()
    throw error
  }
}

import type { Readable } from 'node:stream'

/**
 * Destroys a stream with the signal's own reason when it fires; Node's `signal` option would replace it by an
 * `AbortError`. Stops listening to the signal when the stream is closed.
 */
export function destroyOnAbort(stream: Readable, signal?: AbortSignal): void {
  if (!signal) return
  const onAbort = () => stream.destroy(asError(signal.reason))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  stream.once('close', () => signal.removeEventListener('abort', onAbort))
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('Aborted', { cause: reason })
}

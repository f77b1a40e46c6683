import { Readable } from 'node:stream'
import { destroyOnAbort } from './destroy-on-abort.ts'

/** How a relay treats the stream behind it. */
export interface RelayOptions {
  /** Translates the error of the inner stream. */
  translate: (error: unknown) => Error
  /** Runs at the end of the inner stream; if it rejects, the relay fails instead of ending. */
  beforeEnd?: () => Promise<void> | void
  /** Fails the relay if the inner stream delivers nothing for this long while data is requested. Default: never. */
  idleTimeoutMs?: number
  signal?: AbortSignal
}

/**
 * Passes a stream on with translated errors. Destroying the relay destroys the inner stream at once, even one that
 * delivers nothing, which an async generator could not do. An inner stream that closes without an end is an error.
 */
export function relay(inner: Readable, options: RelayOptions): Readable {
  const { translate, signal } = options
  let idle: NodeJS.Timeout | undefined
  let hasEnded = false
  const stopWaiting = () => clearTimeout(idle)

  const outer = new Readable({
    read() {
      if (options.idleTimeoutMs !== undefined && !hasEnded) {
        const silent = Object.assign(new Error('No data arrived in time'), { code: 'ETIMEDOUT' })
        stopWaiting()
        idle = setTimeout(() => outer.destroy(translate(silent)), options.idleTimeoutMs)
      }
      inner.resume()
    },
    destroy(error, callback) {
      stopWaiting()
      inner.destroy()
      callback(error)
    },
  })

  // It may fail before its reader listens. The reader still sees the error; without this listener it would end the
  // process.
  outer.on('error', () => undefined)

  inner.pause()
  inner.on('data', (chunk: Buffer) => {
    stopWaiting()
    if (!outer.push(chunk)) inner.pause()
  })
  inner.on('end', () => {
    hasEnded = true
    stopWaiting()
    Promise.resolve()
      .then(() => options.beforeEnd?.())
      .then(
        () => outer.push(null),
        (error: unknown) => outer.destroy(translate(error)),
      )
  })
  inner.on('error', (error) => outer.destroy(translate(error)))
  inner.on('close', () => {
    if (hasEnded || outer.destroyed) return
    outer.destroy(translate(Object.assign(new Error('Closed before the end'), { code: 'ECONNRESET' })))
  })
  destroyOnAbort(outer, signal)
  return outer
}

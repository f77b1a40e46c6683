import type { StoreError } from './store-error.ts'

/**
 * Turns every failure of a call to a store into a `StoreError`, except for the signal's reason.
 *
 * @param translate - Returns an error that already is one unchanged.
 */
export async function callStore<Result>(
  call: (signal: AbortSignal | undefined) => Promise<Result>,
  translate: (error: unknown) => StoreError,
  signal: AbortSignal | undefined,
): Promise<Result> {
  signal?.throwIfAborted()
  try {
    return await call(signal)
  } catch (error) {
    signal?.throwIfAborted()
    throw translate(error)
  }
}

import type { StoreError } from './store-error.ts'

/**
 * Makes every failure of a call to a store a `StoreError`, save that the signal's reason comes through.
 *
 * @param translate - Leaves an error that already is one as it is.
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

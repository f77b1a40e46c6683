import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { openStore, StoreError, type StoreSettings } from '@osb-backup/storage'
import { RequestError } from '../request-error.ts'

/** The object that existing clients expect to come and go. */
const PROBE_NAME = 's3_validation_testfile.txt'
const PROBE_TIMEOUT_MS = 30_000

/**
 * Proves that a destination works: writes an object, reads it back and removes it.
 *
 * @throws {RequestError} Saying in one sentence which of the three failed, and why.
 */
export async function probeDestination(settings: StoreSettings): Promise<void> {
  const store = openStore(settings)
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
  const content = Buffer.from(`written by the backup manager to try this destination, ${Math.random()}\n`)
  let step = 'Writing'
  try {
    await store.put(PROBE_NAME, Readable.from([content]), { signal })
    step = 'Reading back'
    const found = await buffer(await store.get(PROBE_NAME, { signal }))
    if (!found.equals(content)) throw new StoreError('misconfigured', 'the object came back with other bytes.')
    step = 'Removing'
    await store.remove(PROBE_NAME, { signal })
  } catch (cause) {
    if (!(cause instanceof StoreError) && !signal.aborted) throw cause
    const reason = cause instanceof StoreError ? cause.message : `no answer within ${PROBE_TIMEOUT_MS / 1000} seconds.`
    throw new RequestError('invalid', `${step} a test object failed: ${reason}`, { cause })
  }
}

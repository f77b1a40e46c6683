import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { StoreError, type StoreSettings } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { explainFailure } from './explain-failure.ts'
import { openDestination } from './open-destination.ts'

/** The name of the object, which existing tools know. */
const PROBE_NAME = 's3_validation_testfile.txt'
const PROBE_TIMEOUT_MS = 30_000

/**
 * Proves that a store works: writes an object, reads it back and removes it.
 *
 * @throws {RequestError} Saying in one sentence which of the three failed, and why.
 */
export async function probeStore(settings: StoreSettings, context: Pick<Context, 'settings'>): Promise<void> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
  const content = Buffer.from(`written by the backup manager to try this destination, ${Math.random()}\n`)
  let step = { doing: 'write', begin: 'Writing' }
  try {
    const store = openDestination(settings, context, { retry: false })
    await store.put(PROBE_NAME, Readable.from([content]), { signal })
    step = { doing: 'read', begin: 'Reading back' }
    const found = await buffer(await store.get(PROBE_NAME, { signal }))
    if (!found.equals(content)) throw new StoreError('misconfigured', 'the object came back with other bytes.')
    step = { doing: 'remove', begin: 'Removing' }
    await store.remove(PROBE_NAME, { signal })
  } catch (cause) {
    if (!(cause instanceof StoreError) && !signal.aborted) throw cause
    const reason =
      cause instanceof StoreError
        ? explainFailure(cause, settings, step.doing)
        : `no answer within ${PROBE_TIMEOUT_MS / 1000} seconds.`
    throw new RequestError('invalid', `${step.begin} a test object failed: ${reason}`, { cause })
  }
}

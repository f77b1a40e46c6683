import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { failureCodeOf, type ObjectStore, StoreError, type StoreSettings } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { explainFailure } from './explain-failure.ts'
import { openDestination } from './open-destination.ts'

/** The start of the names of the objects, which existing tools know. */
const PROBE_NAME = 's3_validation_testfile'
const PROBE_TIMEOUT_MS = 60_000
/** S3 accepts no smaller parts, so that this takes two. */
const PART_BYTES = 5 * 1024 * 1024
const LARGE_BYTES = PART_BYTES + 1

/**
 * Proves that a store works in the way that a backup uses it: writes an object in one request and one in parts, neither of which
 * may replace another, reads them back and removes them, with all their versions where that is set.
 *
 * @throws {RequestError} Saying in one sentence which of these failed, and why.
 */
export async function probeStore(settings: StoreSettings, context: Pick<Context, 'settings'>): Promise<void> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
  const probe: Probe = { step: { doing: 'write', begin: 'Writing' }, signal }
  try {
    const store = openDestination(settings, context, {
      retry: false,
      partSizeBytes: PART_BYTES,
      segmentSizeBytes: PART_BYTES,
    })
    const small = Buffer.from('written by the backup manager to try this destination\n')
    await tryObject(store, `${PROBE_NAME}.txt`, small, probe)
    await tryObject(store, `${PROBE_NAME}_parts.txt`, randomBytes(LARGE_BYTES), probe)
  } catch (cause) {
    if (!(cause instanceof StoreError) && !signal.aborted) throw cause
    const { step } = probe
    const reason =
      cause instanceof StoreError
        ? explainFailure(cause, settings, step.doing)
        : `no answer within ${PROBE_TIMEOUT_MS / 1000} seconds.`
    const failureCode = cause instanceof StoreError ? failureCodeOf(cause) : 'destination-unavailable'
    throw new RequestError('invalid', `${step.begin} a test object failed: ${reason}`, {
      cause,
      ...(failureCode && { failureCode }),
    })
  }
}

interface Probe {
  step: { doing: string; begin: string }
  signal: AbortSignal
}

async function tryObject(store: ObjectStore, name: string, content: Buffer, probe: Probe): Promise<void> {
  const { signal } = probe
  probe.step = { doing: 'write', begin: 'Writing' }
  // One that another check writes at the same time, or left, must not be in the way.
  const free = name.replace('.', `_${randomBytes(6).toString('hex')}.`)
  await store.put(free, Readable.from([content], { objectMode: false }), { mustBeNew: true, signal })
  try {
    probe.step = { doing: 'read', begin: 'Reading back' }
    const found = await buffer(await store.get(free, { signal }))
    if (!found.equals(content)) throw new StoreError('misconfigured', 'the object came back with other bytes.')
  } catch (error) {
    // The reading is what is reported.
    await store.remove(free, { signal }).catch(() => undefined)
    throw error
  }
  probe.step = { doing: 'remove', begin: 'Removing' }
  await store.remove(free, { signal }).catch((error: unknown) => {
    // The bucket locks new objects, as it will lock backups: retention waits for the end of the lock.
    if (!(error instanceof StoreError && error.code === 'locked')) throw error
  })
}

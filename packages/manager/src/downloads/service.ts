import type { Readable } from 'node:stream'
import { manifestName, StoreError } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import { recordCall } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { openDestinationOf } from '../destinations/open-destination.ts'
import { objectNameOf } from '../restore-points/restore-point.ts'
import { getPoint } from '../restore-points/service.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import { exactly } from './exact-length.ts'

/** Each keeps a connection to a store open, and its buffers. */
const MAX_RUNNING = 32
/** So that one caller does not keep others from reading. */
const MAX_RUNNING_PER_CALLER = 4
const OK = 200

/** Which bytes of a restore point are read. */
export interface ObjectRequest {
  file: 'object' | 'manifest'
  /** The bytes, `end` exclusive; undefined: all. `end` may be beyond the last one. */
  range: { from: number; end: number | undefined } | undefined
  signal: AbortSignal
}

/** Bytes as they are stored: compressed and encrypted. */
export interface OpenObject {
  content: Readable
  /** Size of the whole file. */
  sizeBytes: number
  /** The bytes that `content` yields, `end` exclusive. */
  from: number
  end: number
}

/** The objects that are being read, by caller. */
const running = new Map<string, number>()

/**
 * Opens the object of a restore point, or its manifest, as it is stored. Anyone who reads it compares it with what was recorded.
 * Every request for an object is recorded in the audit log.
 *
 * @throws {RequestError} If there is none, the range lies outside of it, or the store cannot be read.
 */
export async function openObject(
  context: Context,
  call: Call,
  id: string,
  request: ObjectRequest,
): Promise<OpenObject> {
  const point = await getPoint(context, call, id)
  if (point.removal !== undefined) throw new RequestError('conflict', `The restore point ${id} is being removed.`)
  const { file, range, signal } = request
  const release = occupy(`${call.caller.kind} ${call.caller.id}`)
  let isOpen = false
  try {
    const store = await openDestinationOf(context, point.destinationId)
    const name = file === 'manifest' ? manifestName(objectNameOf(point)) : objectNameOf(point)
    const found = await store.head(name, { signal })
    if (found === undefined)
      throw notFound(file === 'manifest' ? 'manifest of the restore point' : 'object of the restore point', id)
    const { sizeBytes } = found
    const from = range?.from ?? 0
    const end = Math.min(range?.end ?? sizeBytes, sizeBytes)
    if (from > end || (from === end && sizeBytes > 0)) {
      throw new RequestError('invalid', `The object has ${sizeBytes} bytes.`, { field: 'range' })
    }
    if (file === 'object') await recordCall(context, call, OK)
    const content = await store.get(name, { signal, ...(range === undefined ? {} : { range: { from, end } }) })
    content.once('close', release)
    isOpen = true
    return { content: exactly(content, end - from), sizeBytes, from, end }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    throw new RequestError('conflict', `The object could not be read: ${error.message}`, { cause: error })
  } finally {
    if (!isOpen) release()
  }
}

/**
 * Counts an object that is read.
 *
 * @returns Ends that.
 * @throws {RequestError} If there are too many.
 */
function occupy(caller: string): () => void {
  const own = running.get(caller) ?? 0
  const all = running.values().reduce((sum, count) => sum + count, 0)
  if (own >= MAX_RUNNING_PER_CALLER || all >= MAX_RUNNING) {
    const message = `Too many objects are being read: at most ${MAX_RUNNING_PER_CALLER} by one caller.`
    throw new RequestError('slow-down', message, { retryAfterSeconds: 5 })
  }
  running.set(caller, own + 1)
  return () => {
    const left = (running.get(caller) ?? 1) - 1
    if (left > 0) running.set(caller, left)
    else running.delete(caller)
  }
}

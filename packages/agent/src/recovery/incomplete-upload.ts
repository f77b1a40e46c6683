import { errorMessage, omitUndefined } from '@osb-backup/node'
import { type ObjectStore, removeExpected, type StoredObject, undoRetry } from '@osb-backup/storage'
import type { JobRecord, UploadRecord } from '../jobs/job-record.ts'
import { orphansMessage } from '../stages/object-upload.ts'
import type { AgentStores } from '../stores/agent-stores.ts'

/** By how much the times of servers may differ from each other. */
const SKEW_MS = 15 * 60_000
/** For one job; what is not removed by then is reported, and tried again. */
const TIME_LIMIT_MS = 5 * 60_000

/**
 * Removes what an upload left in the store that a crash of the agent interrupted, or that could not be aborted: its parts,
 * segments, temporary files, and its object where it was completed but never verified. An object that was stored, verified and recorded
 * is kept, and so is everything of another upload that has the name.
 *
 * @returns Why something may be left; undefined if nothing is.
 */
export async function removeIncompleteUpload(
  { request, upload, stored }: JobRecord,
  stores: AgentStores,
  stopping?: AbortSignal,
): Promise<string | undefined> {
  if (upload === undefined || stored !== undefined) return undefined
  const { name, beganAt, id } = upload
  const since = new Date(beganAt.getTime() - SKEW_MS)
  const limit = AbortSignal.timeout(TIME_LIMIT_MS)
  const signal = stopping === undefined ? limit : AbortSignal.any([limit, stopping])
  const store = stores.open(request, { retry: undoRetry })
  // The answer with the id may have been lost. A name that the manager gave is unique; another one may be in use elsewhere.
  const canHaveParts = id !== undefined || request.objectName !== undefined
  const removeParts = async () => {
    if (canHaveParts) await stores.removeIncompleteUpload(request, { name, since, ...omitUndefined({ id }) }, signal)
  }
  try {
    await removeParts()
    await removeObject(store, upload, signal)
    // Requests that were under way when the agent crashed may have arrived in the meantime.
    await removeParts()
    return undefined
  } catch (error) {
    return `${orphansMessage(name, store)}: ${errorMessage(error)}`
  }
}

async function removeObject(store: ObjectStore, upload: UploadRecord, signal: AbortSignal): Promise<void> {
  const { name, expected } = upload
  if (expected !== undefined) await removeExpected(store, name, async (found) => isOwn(found, upload), { signal })
  // In a directory this removes the empty subdirectories of an object that does not exist. No object is like this one.
  await store.removeIfSame({ name, sizeBytes: -1, modifiedAt: new Date(0) }, { signal })
}

/** Whether an object is the one that an upload was about to create. */
function isOwn(found: StoredObject, { expected, beganAt }: UploadRecord): boolean {
  if (found.sizeBytes !== expected?.sizeBytes) return false
  if (expected.tag !== undefined && found.tag !== undefined) return expected.tag === found.tag
  if (expected.modifiedAt !== undefined) return expected.modifiedAt.getTime() === found.modifiedAt.getTime()
  // The clocks of store and agent may differ by any amount: each of them measures a duration.
  const elapsedMs = Date.now() - beganAt.getTime()
  return found.ageMs !== undefined && elapsedMs >= 0 && found.ageMs <= elapsedMs + SKEW_MS
}

import { errorMessage } from '@osb-backup/node'
import {
  type IncompleteUpload,
  type ObjectStore,
  removeWithManifest,
  type StoredObject,
  undoRetry,
} from '@osb-backup/storage'
import type { JobRecord } from '../jobs/job-record.ts'
import { orphansMessage } from '../stages/object-upload.ts'
import type { AgentStores } from '../stores/agent-stores.ts'

/** What is older than the start of an upload by more does not belong to it. */
const SKEW_MS = 15 * 60_000
/** For one job; what is not removed by then is reported, and tried again. */
const TIME_LIMIT_MS = 5 * 60_000

/**
 * Removes what an upload left in the store that a crash of the agent interrupted, or that could not be aborted: parts,
 * segments, temporary files, and the object where it was completed but never verified. An object that was stored, verified and recorded is kept.
 *
 * @returns Why something may be left; undefined if nothing is.
 */
export async function removeIncompleteUpload(
  { request, upload, stored }: JobRecord,
  stores: AgentStores,
  stopping?: AbortSignal,
): Promise<string | undefined> {
  if (upload === undefined || stored !== undefined) return undefined
  const { name, beganAt } = upload
  const incomplete = { name, since: new Date(beganAt.getTime() - SKEW_MS) }
  const limit = AbortSignal.timeout(TIME_LIMIT_MS)
  const signal = stopping === undefined ? limit : AbortSignal.any([limit, stopping])
  const store = stores.open(request, { retry: undoRetry })
  try {
    await stores.removeIncompleteUpload(request, incomplete, signal)
    await removeObject(store, incomplete, signal)
    // Requests that were under way when the agent crashed may have arrived in the meantime.
    await stores.removeIncompleteUpload(request, incomplete, signal)
    return undefined
  } catch (error) {
    return `${orphansMessage(name, store)}: ${errorMessage(error)}`
  }
}

async function removeObject(store: ObjectStore, { name, since }: IncompleteUpload, signal: AbortSignal): Promise<void> {
  const found = await store.head(name, { signal })
  // In a directory this also removes the empty subdirectories of an object that does not exist.
  if (found === undefined || isFrom(found, since)) await removeWithManifest(store, name, { signal })
}

/**
 * Whether an object may be from an upload that began at a time. The clocks of store and agent may differ by any amount: each of them
 * measures a duration.
 */
function isFrom({ ageMs, modifiedAt }: StoredObject, since: Date): boolean {
  if (ageMs === undefined) return modifiedAt >= since
  const elapsedMs = Date.now() - since.getTime()
  // The clock of the agent was set back since.
  return elapsedMs < 0 || ageMs <= elapsedMs
}

import { errorMessage } from '@osb-backup/node'
import { type IncompleteUpload, type ObjectStore, removeWithManifest } from '@osb-backup/storage'
import type { JobRecord } from '../jobs/job-record.ts'
import type { AgentStores } from '../stores/agent-stores.ts'

/** How far a store's clock may be from ours. What is older than an upload's begin by more is not of that upload. */
const CLOCK_SKEW_MS = 15 * 60_000
/** All that is done about one job's leftovers; what is not gone by then is told. */
const TIME_LIMIT_MS = 5 * 60_000

/**
 * Removes what an upload left at the store that a crash of the agent broke off: parts, segments, temporary files, and
 * the object where it was completed but never checked. An object that was stored, checked and written down stays.
 *
 * @returns A sentence about what could not be removed, if so.
 */
export async function removeLeftovers(
  { request, upload, stored }: JobRecord,
  stores: AgentStores,
  stopping?: AbortSignal,
): Promise<string | undefined> {
  if (upload === undefined || stored !== undefined) return undefined
  const { name, beganAt } = upload
  const half = { name, since: new Date(beganAt.getTime() - CLOCK_SKEW_MS) }
  const limit = AbortSignal.timeout(TIME_LIMIT_MS)
  const signal = stopping === undefined ? limit : AbortSignal.any([limit, stopping])
  const store = stores.open(request)
  try {
    await stores.removeIncompleteUpload(request, half, signal)
    await removeObject(store, half, signal)
    // What was on its way to the store when the agent ended may have arrived in the meantime.
    await stores.removeIncompleteUpload(request, half, signal)
    return undefined
  } catch (error) {
    return `parts of the broken-off upload of "${name}" may be left in ${store.location}: ${errorMessage(error)}`
  }
}

async function removeObject(store: ObjectStore, { name, since }: IncompleteUpload, signal: AbortSignal): Promise<void> {
  const found = await store.head(name, { signal })
  // A directory also loses the empty folders of a name whose object is not there.
  if (found === undefined || found.modifiedAt >= since) await removeWithManifest(store, name, { signal })
}

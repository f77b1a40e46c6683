import { isManifestName, StoreError } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import { objectOfManifest, readFoundDump } from '../adoption/found-dump.ts'
import { readClock } from '../database/clock.ts'
import { openDestination } from '../destinations/open-destination.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { Report } from '../migration/report.ts'
import { RequestError } from '../shared/request-error.ts'
import { type LostDump, lostDumpOf, type Recovery } from './lost-dump.ts'
import { readStores, type SearchedStore } from './read-stores.ts'
import { recordDumps } from './record-dumps.ts'

/** What to recover. */
export interface RecoveryRequest {
  /** A JSON file with the settings of the stores to search. */
  file: string
  /** Whether anything is written; otherwise the report says what would be. */
  apply: boolean
  signal: AbortSignal
}

/**
 * Rebuilds what a lost database held from the manifests in the stores: service instances, destinations, plans, which are paused
 * and keep everything, and restore points. What exists stays as it is, and nothing in a store is changed.
 *
 * @returns The report.
 * @throws {RequestError} If the file cannot be used, or a store cannot be listed: what was recovered before that stays.
 */
export async function recover(
  context: Recovery['context'],
  call: Call,
  { file, apply, signal }: RecoveryRequest,
): Promise<string> {
  const report = new Report()
  const recovery: Recovery = { context, call, apply, signal, report, now: await readClock(context), created: new Set() }
  let withoutManifest = 0
  for (const searched of await readStores(file)) {
    const { dumps, others } = await findDumps(recovery, searched)
    withoutManifest += others
    await recordDumps(recovery, searched.store, dumps)
  }
  const title = apply ? 'Recovered:' : 'Dry run: nothing was written. With --apply:'
  const notes = withoutManifest === 0 ? [] : [`${withoutManifest} objects have no manifest, and cannot be recovered.`]
  return report.print(title, { verb: apply ? 'recovered' : 'to recover', notes })
}

async function findDumps(
  recovery: Recovery,
  { store: settings, instances }: SearchedStore,
): Promise<{ dumps: LostDump[]; others: number }> {
  const { context, signal, report } = recovery
  await checkAllowed(settings, context)
  const store = openDestination(settings, context)
  const dumps: LostDump[] = []
  let [objects, manifests] = [0, 0]
  try {
    for await (const { name } of store.list('', { signal })) {
      objects++
      if (!isManifestName(name)) continue
      manifests++
      const found = await readFoundDump(store, objectOfManifest(name), signal)
      const dump = 'problem' in found ? found : lostDumpOf(recovery, found, instances)
      if ('problem' in dump) report.add('restore point', objectOfManifest(name), 'skipped', dump.problem)
      else dumps.push(dump)
    }
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    throw new RequestError('conflict', `${store.location} could not be searched: ${cause.message}`, { cause })
  }
  return { dumps, others: Math.max(0, objects - 2 * manifests) }
}

import { omitUndefined } from '@osb-backup/node'
import type { CallOptions } from '../object-store.ts'
import { retrying, retryOf } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { IncompleteUpload, StartedUpload } from '../store-kind.ts'
import type { StoreOptions } from '../store-options.ts'
import type { SwiftSettings } from './swift-settings.ts'
import { SwiftStore } from './swift-store.ts'

/** Removes the segments of an object that was never completed; they are in a separate container. */
export async function removeSegments(
  settings: SwiftSettings,
  upload: IncompleteUpload,
  { signal, ...options }: StoreOptions & CallOptions,
): Promise<void> {
  const segments = segmentStore(settings, options)
  const prefix = `${upload.name}/`
  try {
    for await (const { name } of segments.list(prefix, omitUndefined({ signal }))) {
      const isSegment = /^[0-9a-f]{12}\/\d{8}$/.test(name.slice(prefix.length))
      const isOwn = upload.id === undefined || name.startsWith(`${prefix}${upload.id}/`)
      if (isSegment && isOwn) await segments.remove(name, omitUndefined({ signal }))
    }
  } catch (error) {
    // If nothing large was ever stored, there is no container for segments.
    if (!(error instanceof StoreError && error.code === 'absent')) throw error
  }
}

/** Lists the names below a prefix that have segments and no object, each once, with the age of the oldest segment. */
export async function* listOrphanedSegments(
  settings: SwiftSettings,
  prefix: string,
  { signal, ...options }: StoreOptions & CallOptions,
): AsyncGenerator<StartedUpload> {
  const objects = retrying(new SwiftStore(settings, options), retryOf(options.retry))
  const orphans = new Map<string, Date>()
  const whole = new Set<string>()
  try {
    for await (const { name, modifiedAt } of segmentStore(settings, options).list(prefix, omitUndefined({ signal }))) {
      const [, objectName] = /^(.*)\/[0-9a-f]{12}\/\d{8}$/s.exec(name) ?? []
      if (objectName === undefined || whole.has(objectName)) continue
      const oldest = orphans.get(objectName)
      if (oldest === undefined && (await objects.head(objectName, omitUndefined({ signal }))) !== undefined)
        whole.add(objectName)
      else if (oldest === undefined || modifiedAt < oldest) orphans.set(objectName, modifiedAt)
    }
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'absent')) throw error
  }
  for (const [name, startedAt] of orphans) yield { name, startedAt }
}

const segmentStore = (settings: SwiftSettings, options: StoreOptions) =>
  retrying(
    new SwiftStore({ ...settings, container: `${settings.container}_segments` }, options),
    retryOf(options.retry),
  )

import type { CallOptions } from '../object-store.ts'
import { retrying } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { StoreOptions } from '../store-options.ts'
import type { SwiftSettings } from '../store-settings.ts'
import { SwiftStore } from '../swift/swift-store.ts'
import type { UnfinishedUpload } from './unfinished-upload.ts'

/** Removes the segments of an object that never came to be; they lie in a container of their own. */
export async function removeSegments(
  settings: SwiftSettings,
  upload: UnfinishedUpload,
  { signal, ...options }: StoreOptions & CallOptions,
): Promise<void> {
  const segments = retrying(new SwiftStore({ ...settings, container: `${settings.container}_segments` }, options))
  const prefix = `${upload.name}/`
  try {
    for await (const { name, modifiedAt } of segments.list(prefix, { signal })) {
      const isSegment = /^[0-9a-f]{12}\/\d{8}$/.test(name.slice(prefix.length))
      if (isSegment && modifiedAt >= upload.since) await segments.remove(name, { signal })
    }
  } catch (error) {
    // Where nothing large was ever stored, there is no container for segments.
    if (!(error instanceof StoreError && error.code === 'absent')) throw error
  }
}

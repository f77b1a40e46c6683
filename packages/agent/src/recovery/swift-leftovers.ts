import { openStore, StoreError, type SwiftSettings } from '@osb-backup/storage'
import type { HalfUpload } from './half-upload.ts'

/** Removes the segments of an object that never came to be; they lie in a container of their own. */
export async function removeSegments(settings: SwiftSettings, half: HalfUpload, signal: AbortSignal): Promise<void> {
  const segments = openStore({ ...settings, container: `${settings.container}_segments` })
  const prefix = `${half.name}/`
  try {
    for await (const { name, modifiedAt } of segments.list(prefix, { signal })) {
      const isSegment = /^[0-9a-f]{12}\/\d{8}$/.test(name.slice(prefix.length))
      if (isSegment && modifiedAt >= half.since) await segments.remove(name, { signal })
    }
  } catch (error) {
    // Where nothing large was ever stored, there is no container for segments.
    if (!(error instanceof StoreError && error.code === 'absent')) throw error
  }
}

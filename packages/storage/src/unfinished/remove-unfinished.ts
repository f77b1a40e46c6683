import type { CallOptions } from '../object-store.ts'
import type { StoreOptions } from '../store-options.ts'
import type { StoreSettings } from '../store-settings.ts'
import { abortUploads } from './s3-uploads.ts'
import { removeSegments } from './swift-segments.ts'
import { removeTemporaryFiles } from './temporary-files.ts'
import type { UnfinishedUpload } from './unfinished-upload.ts'

/**
 * Removes what an upload left that neither ended nor was undone, because its process was killed: parts, segments,
 * temporary files. A completed object stays. The caller knows that nobody else uploads under this name.
 *
 * @throws If something may be left.
 */
export function removeUnfinished(
  settings: StoreSettings,
  upload: UnfinishedUpload,
  options: StoreOptions & CallOptions = {},
): Promise<void> {
  switch (settings.type) {
    case 's3':
      return abortUploads(settings, upload, options)
    case 'swift':
      return removeSegments(settings, upload, options)
    case 'file':
      return removeTemporaryFiles(settings, upload, options.signal)
  }
}

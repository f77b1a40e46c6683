import type { CallOptions } from '../object-store.ts'
import type { StoreOptions } from '../store-options.ts'
import type { StoreSettings } from '../store-settings.ts'
import { listUploads } from './s3-uploads.ts'
import { listOrphanedSegments } from './swift-segments.ts'
import { listTemporaryFiles } from './temporary-files.ts'
import type { StartedUpload } from './unfinished-upload.ts'

/**
 * Lists what uploads left, or are leaving at this moment, that did not become objects: multipart uploads, segments without
 * their object, temporary files. Only their age tells those that go on from those that do not.
 *
 * @param prefix - Names begin with it; whole segments, with a slash at the end.
 * @throws {StoreError} If the store cannot be asked.
 */
export function listUnfinished(
  settings: StoreSettings,
  prefix: string,
  options: StoreOptions & CallOptions = {},
): AsyncIterable<StartedUpload> {
  switch (settings.type) {
    case 's3':
      return listUploads(settings, prefix, options)
    case 'swift':
      return listOrphanedSegments(settings, prefix, options)
    case 'file':
      return listTemporaryFiles(settings, prefix)
  }
}

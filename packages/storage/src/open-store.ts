import { FileStore } from './file/file-store.ts'
import type { ObjectStore } from './object-store.ts'
import { retrying } from './retrying.ts'
import { S3Store } from './s3/s3-store.ts'
import type { StoreOptions } from './store-options.ts'
import type { StoreSettings } from './store-settings.ts'
import { SwiftStore } from './swift/swift-store.ts'

/**
 * Opens the store that settings describe. Does no I/O: what is wrong with the settings shows at the first call.
 * There is nothing to close; idle connections keep no process alive.
 *
 * @throws {StoreError} With code `misconfigured` if a URL among the settings is none.
 */
export function openStore(settings: StoreSettings, options: StoreOptions = {}): ObjectStore {
  const store = openBare(settings, options)
  return options.retry === false ? store : retrying(store, options.retry)
}

function openBare(settings: StoreSettings, options: StoreOptions): ObjectStore {
  switch (settings.type) {
    case 's3':
      return new S3Store(settings, options)
    case 'swift':
      return new SwiftStore(settings, options)
    case 'file':
      return new FileStore(settings, options)
  }
}

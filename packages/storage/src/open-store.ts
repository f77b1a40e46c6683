import { FileStore } from './file/file-store.ts'
import type { ObjectStore } from './object-store.ts'
import { retrying } from './retrying.ts'
import { StoreError } from './store-error.ts'
import type { StoreOptions } from './store-options.ts'
import type { StoreSettings } from './store-settings.ts'

/**
 * Opens the store that settings describe. Does no I/O: what is wrong with the settings shows at the first call.
 * There is nothing to close; idle connections keep no process alive.
 *
 * @throws {StoreError} With code `misconfigured` if a URL among the settings is none.
 */
export function openStore(settings: StoreSettings, options: StoreOptions = {}): ObjectStore {
  const store = openBare(settings)
  return options.retry === false ? store : retrying(store, options.retry)
}

function openBare(settings: StoreSettings): ObjectStore {
  switch (settings.type) {
    case 's3':
    case 'swift':
      throw new StoreError('misconfigured', `Stores of type ${settings.type} are not there yet.`)
    case 'file':
      return new FileStore(settings)
  }
}

import { type StoreSettings, stores } from './kinds.ts'
import type { ObjectStore } from './object-store.ts'
import type { StoreOptions } from './store-options.ts'

/** Opens a store of any kind: `StoreRegistry.openStore`. */
export const openStore = (settings: StoreSettings, options?: StoreOptions): ObjectStore =>
  stores.openStore(settings, options)

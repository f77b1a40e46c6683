import { type ObjectStore, openStore, type StoreOptions, type StoreSettings } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { addressRule } from './address-policy.ts'

/** How the manager may reach stores: only where the operator allows it to. */
export function storeOptions({ settings }: Pick<Context, 'settings'>): StoreOptions {
  return { mayConnectTo: addressRule(settings.privateDestinations) }
}

/** Opens the store of a destination as the operator allows it. The manager opens none in another way. */
export function openDestination(
  store: StoreSettings,
  context: Pick<Context, 'settings'>,
  options: StoreOptions = {},
): ObjectStore {
  return openStore(store, { ...options, ...storeOptions(context) })
}

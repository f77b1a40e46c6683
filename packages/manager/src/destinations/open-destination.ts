import { type ObjectStore, openStore, type StoreOptions, type StoreSettings } from '@osb-backup/storage'
import type { Context } from '../context.ts'
import { addressRule } from './address-policy.ts'

/** Opens the store of a destination as the operator allows it. The manager opens none in another way. */
export function openDestination(
  store: StoreSettings,
  { settings }: Pick<Context, 'settings'>,
  options: StoreOptions = {},
): ObjectStore {
  return openStore(store, { ...options, mayConnectTo: addressRule(settings.privateDestinations) })
}

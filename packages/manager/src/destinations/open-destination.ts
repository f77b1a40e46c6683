import { addressRule, type ObjectStore, type StoreOptions, type StoreSettings, stores } from '@osb-backup/storage'
import type { Context, RepositoryContext } from '../context/context.ts'
import { invariant } from '../shared/invariant.ts'
import { destinationsById } from './repository.ts'
import { checkAllowed } from './rules.ts'

/** How the manager connects to stores: only to addresses that the operator allows, and with patience. */
export function storeOptions({ settings }: Pick<Context, 'settings'>): StoreOptions {
  return {
    mayConnectTo: addressRule(settings.privateDestinations),
    retry: { outageMs: settings.storeOutageSeconds * 1000 },
    credentialSources: settings.ambientCredentials ?? [],
  }
}

/** Opens the store of a destination as the operator allows it. The manager opens no store in any other way. */
export function openDestination(
  store: StoreSettings,
  context: Pick<Context, 'settings'>,
  options: Pick<StoreOptions, 'retry' | 'partSizeBytes' | 'segmentSizeBytes'> = {},
): ObjectStore {
  return stores.openStore(store, { ...storeOptions(context), ...options })
}

/**
 * Opens the store of a destination that jobs or restore points refer to; it may be retired.
 *
 * @throws {RequestError} If the operator does not allow it any more.
 */
export async function openDestinationOf(
  context: RepositoryContext & Pick<Context, 'settings'>,
  destinationId: string,
  options: Pick<StoreOptions, 'retry'> = {},
): Promise<ObjectStore> {
  const destination = (await destinationsById(context, [destinationId])).get(destinationId)
  invariant(destination, `the destination ${destinationId} is stored`)
  await checkAllowed(destination.store, context)
  return openDestination(destination.store, context, options)
}

import { lookup } from 'node:dns/promises'
import { realpath } from 'node:fs/promises'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { addressRule, StoreError, type StoreSettings, stores } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { includesRole } from '../shared/role.ts'
import { isInside } from './directories.ts'

/** Longest time to resolve a host name when a destination is stored. */
const RESOLVE_MS = 3000

/**
 * Refuses destinations that the operator does not allow: a FILE destination must be inside `FILE_DESTINATION_ROOT`, and
 * none is allowed without that setting. Addresses are checked as they are connected to, by `openDestination`.
 */
export async function checkAllowed(store: StoreSettings, { settings }: Pick<Context, 'settings'>): Promise<void> {
  const kind = stores.kindOf(store)
  const directory = kind.localDirectory(store)
  if (directory === undefined) return
  const root = settings.fileDestinationRoot
  if (root === undefined) {
    throw new RequestError(
      'invalid',
      `${kind.wireType} destinations are off: the operator has not set FILE_DESTINATION_ROOT.`,
      {
        field: 'store.kind',
      },
    )
  }
  const isPlain = resolve(directory) === directory.replace(/(?<=.)\/$/, '')
  const real = await Promise.all([directory, root].map((path) => realpath(path).catch(() => resolve(path))))
  // Symbolic links are followed, unless the directory does not exist yet: then the store refuses by itself.
  if (!isPlain || !isInside(directory, root) || !isInside(real[0] ?? '', real[1] ?? '')) {
    throw new RequestError('invalid', `directory must be a plain path inside ${root}.`, { field: 'store.directory' })
  }
}

/**
 * A directory belongs to the instance that first uses it: operators may be kept from taking one.
 *
 * @throws {RequestError} If the operator lets only admins choose directories.
 */
export function requireMayChooseDirectory(
  { settings }: Pick<Context, 'settings'>,
  { caller }: Call,
  store: StoreSettings,
): void {
  const kind = stores.kindOf(store)
  if (kind.localDirectory(store) === undefined || includesRole(caller.role, settings.fileDestinationRole)) return
  const message = `Only admins create and move ${kind.wireType} destinations: ask one to create it for your service instance.`
  throw new RequestError('forbidden', message, { field: 'store.kind' })
}

/**
 * Refuses an invalid URL, or one that resolves to an address which the operator does not allow, so that the user who stores
 * the destination learns of it. A name that does not resolve at the moment is accepted.
 */
export async function checkAddress(store: StoreSettings, { settings }: Pick<Context, 'settings'>): Promise<void> {
  const { endpointField: field } = stores.kindOf(store)
  const url = endpointOf(store)
  if (field === undefined || url === undefined) return
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? await resolveHost(host) : [host]
  if (addresses.every(addressRule(settings.privateDestinations))) return
  throw new RequestError('invalid', `${field} leads to an address that the operator does not allow.`, {
    field: `store.${field}`,
  })
}

/** @throws {RequestError} If the URL among the settings is invalid. */
function endpointOf(store: StoreSettings): URL | undefined {
  const { endpointField: field, endpoint } = stores.kindOf(store)
  try {
    return endpoint(store)
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    throw new RequestError('invalid', cause.message, { ...(field !== undefined && { field: `store.${field}` }), cause })
  }
}

async function resolveHost(host: string): Promise<string[]> {
  const found = lookup(host, { all: true }).catch(() => [])
  const late = new Promise<[]>((resolve) => setTimeout(resolve, RESOLVE_MS, []).unref())
  return (await Promise.race([found, late])).map(({ address }) => address)
}

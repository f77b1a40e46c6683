import { lookup } from 'node:dns/promises'
import { realpath } from 'node:fs/promises'
import { isIP } from 'node:net'
import { resolve, sep } from 'node:path'
import { openStore, StoreError, type StoreSettings } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { addressRule } from './address-policy.ts'

/** How long a name may take to resolve when a destination is stored. */
const RESOLVE_MS = 3000

/**
 * Refuses destinations that the operator does not allow: a FILE destination lies inside `FILE_DESTINATION_ROOT`, and
 * without that setting there are none. Where names lead is decided when they are connected to, by `openDestination`.
 */
export async function checkAllowed(store: StoreSettings, { settings }: Pick<Context, 'settings'>): Promise<void> {
  if (store.type !== 'file') return
  const root = settings.fileDestinationRoot
  if (root === undefined) {
    throw new RequestError('invalid', 'FILE destinations are off: the operator has not set FILE_DESTINATION_ROOT.', {
      field: 'type',
    })
  }
  const isPlain = resolve(store.directory) === store.directory.replace(/(?<=.)\/$/, '')
  const real = await Promise.all([store.directory, root].map((path) => realpath(path).catch(() => resolve(path))))
  // Also where a link leads, unless the directory is not there yet: then the store refuses by itself.
  if (!isPlain || !isInside(store.directory, root) || !isInside(real[0] ?? '', real[1] ?? '')) {
    throw new RequestError('invalid', `directory must be a plain path inside ${root}.`, { field: 'directory' })
  }
}

/**
 * Refuses a URL that is none, or that leads to an address which the operator does not allow, as far as that shows now: the
 * user who stores the destination should hear of it. A name that does not resolve at the moment passes.
 */
export async function checkAddress(store: StoreSettings, { settings }: Pick<Context, 'settings'>): Promise<void> {
  if (store.type === 'file') return
  const [field, url] = store.type === 's3' ? ['endpoint', store.endpoint] : ['authUrl', store.authUrl]
  try {
    openStore(store)
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    throw new RequestError('invalid', cause.message, { field, cause })
  }
  if (!url) return
  const host = new URL(/^https?:\/\//i.test(url) ? url : `http://${url}`).hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? await resolveHost(host) : [host]
  if (addresses.every(addressRule(settings.privateDestinations))) return
  throw new RequestError('invalid', `${field} leads to an address that the operator does not allow.`, { field })
}

async function resolveHost(host: string): Promise<string[]> {
  const found = lookup(host, { all: true }).catch(() => [])
  const late = new Promise<[]>((resolve) => setTimeout(resolve, RESOLVE_MS, []).unref())
  return (await Promise.race([found, late])).map(({ address }) => address)
}

/**
 * Refuses to lead a destination elsewhere while restore points lie in it, or jobs store there: what they name would be
 * looked for, and removed, at another place.
 *
 * @throws {RequestError} Saying so.
 */
export async function checkNotMoved(
  { database }: Pick<Context, 'database'>,
  id: string,
  stored: StoreSettings,
  store: StoreSettings,
): Promise<void> {
  if (placeOf(stored) === placeOf(store)) return
  const point = database
    .selectFrom('restore_points')
    .select('id')
    .where('destination_id', '=', id)
    .where('deleted_at', 'is', null)
  const job = database.selectFrom('jobs').select('id').where('destination_id', '=', id).where('ended_at', 'is', null)
  const used = await point.union(job).limit(1).execute()
  if (used.length === 0) return
  throw new RequestError(
    'conflict',
    'Backups lie in this destination, or are on their way there: make a new one instead of moving it.',
  )
}

/** Where objects lie; whose credentials reach them is another thing. */
function placeOf(store: StoreSettings): string {
  switch (store.type) {
    case 's3':
      return JSON.stringify([store.type, store.endpoint ?? '', store.bucket])
    case 'swift':
      return JSON.stringify([store.type, store.authUrl, store.domain, store.projectName, store.container])
    case 'file':
      return JSON.stringify([store.type, resolve(store.directory)])
  }
}

function isInside(path: string, root: string): boolean {
  return resolve(path) === resolve(root) || resolve(path).startsWith(resolve(root) + sep)
}

/** Refuses to delete a destination that a plan still backs up to. */
export async function checkUnused({ database }: Pick<Context, 'database'>, destinationId: string): Promise<void> {
  const plan = await database
    .selectFrom('backup_plans')
    .select('name')
    .where('destination_id', '=', destinationId)
    .limit(1)
    .executeTakeFirst()
  if (plan === undefined) return
  throw new RequestError('conflict', `The backup plan ${JSON.stringify(plan.name)} still uses this file destination.`)
}

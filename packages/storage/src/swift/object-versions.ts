import { omitUndefined } from '@osb-backup/node'
import { z } from 'zod'
import type { CallOptions } from '../object-store.ts'
import { callStore } from '../store-call.ts'
import { StoreError } from '../store-error.ts'
import type { HiddenVersion } from '../store-kind.ts'
import { DEFAULT_LIST_PAGE_SIZE, type StoreOptions } from '../store-options.ts'
import { removeWithSegments } from './remove-with-segments.ts'
import { discard, readJson } from './swift-answer.ts'
import { type SwiftAnswer, SwiftClient } from './swift-client.ts'
import { toSwiftStoreError } from './swift-error.ts'
import { locationOf, type SwiftSettings } from './swift-settings.ts'

/** The type of an object that marks a deletion. */
const DELETED_TYPE = 'application/x-deleted;swift_versions_deleted=1'

/** What Swift calls the version of an object that was stored while its container kept none. */
const NO_ID = 'null'

const versionsSchema = z.array(
  z.object({
    name: z.string(),
    bytes: z.number(),
    content_type: z.string().nullish(),
    version_id: z.string().optional(),
    is_latest: z.boolean().optional(),
  }),
)
type ListedVersion = z.infer<typeof versionsSchema>[number]

/**
 * Lists what deleted and replaced objects left in a container with versions: of the kind that Swift keeps beside the objects
 * (`X-Versions-Enabled`), or in another container (`X-Versions-Location`, `X-History-Location`).
 */
export async function* listHiddenVersions(
  settings: SwiftSettings,
  prefix: string,
  { signal, ...options }: StoreOptions & CallOptions,
): AsyncGenerator<HiddenVersion> {
  const client = new SwiftClient(settings, options)
  const doing = `list the versions in ${locationOf(settings)}`
  const pageSize = options.listPageSize ?? DEFAULT_LIST_PAGE_SIZE
  const call = <Result>(send: (signal: AbortSignal | undefined) => Promise<Result>) =>
    callStore(send, (error) => toSwiftStoreError(error, doing), signal)
  const list = (container: string, query: Record<string, string>) =>
    pagesOf((place) =>
      call((abortSignal) => listPage(client, container, { ...query, ...place, limit: String(pageSize) }, abortSignal)),
    )

  const { container } = settings
  const head = await call((abortSignal) =>
    client.sendAndDump({ method: 'HEAD', container, accept: [200, 204], ...omitUndefined({ signal: abortSignal }) }),
  )
  if (/^(true|1|yes|on)$/i.test(String(head.headers['x-versions-enabled']))) {
    for await (const version of list(container, { prefix, versions: 'true' })) {
      if (isMarker(version) || version.is_latest === false) yield hiddenVersion(version.name, version)
    }
  }
  const location = head.headers['x-history-location'] ?? head.headers['x-versions-location']
  if (location === undefined) return
  for await (const version of list(decodeURIComponent(String(location)), {})) {
    const name = nameOfOlder(version.name)
    if (name?.startsWith(prefix)) yield hiddenVersion(name, version)
  }
}

/** An object in a container that keeps versions beside its objects. */
export interface VersionedObject {
  client: SwiftClient
  container: string
  name: string
  signal: AbortSignal | undefined
}

/**
 * Deletes a version of an object with its segments, and the older ones of the name before it: while one of them is left, so is the
 * object, and the next attempt finds both. An object that takes the name meanwhile is kept.
 *
 * @param head - The answer to HEAD about the object that was compared.
 * @returns `unversioned` if the container keeps no versions; then nothing was deleted.
 */
export async function removeUpTo(
  object: VersionedObject,
  head: SwiftAnswer,
): Promise<'removed' | 'replaced' | 'unversioned'> {
  const compared = head.headers['x-object-version-id']
  if (compared === undefined) return 'unversioned'
  const versions = await versionsOf(object)
  const place = versions.findIndex(({ version_id }) => version_id === compared)
  if (place > 0) return 'replaced'
  if (place < 0) {
    const problem = 'the list of its versions does not have the one that was compared'
    throw new StoreError('temporary', `Could not remove "${object.name}": ${problem}.`)
  }
  for (const version of versions.slice(1).toReversed()) await removeVersion(object, version)
  // What is stored once no versions are kept any more replaces the one without an id of its own.
  if (compared === NO_ID) return 'unversioned'
  await removeVersion(object, versions[0])
  return 'removed'
}

/**
 * Deletes what a delete marker hides of an object: its version, those before it, and then the markers, unless they hide another
 * object of the name.
 *
 * @param isExpected - Whether the answer to HEAD describes the object.
 */
export async function removeHidden(
  object: VersionedObject,
  isExpected: (head: SwiftAnswer) => boolean,
): Promise<'removed' | 'replaced'> {
  const versions = await versionsOf(object)
  const place = versions.findIndex((version) => !isMarker(version))
  const [newest] = versions
  if (newest === undefined) return 'removed'
  // It appeared since HEAD was answered.
  if (place === 0) return 'replaced'
  const markers = place < 0 ? versions : versions.slice(0, place)
  if (place > 0) {
    const { client, container, name, signal } = object
    const query = { 'version-id': versions[place]?.version_id ?? '' }
    const request = {
      method: 'HEAD',
      container,
      name,
      query,
      accept: [200, 404],
      ...omitUndefined({ signal }),
    } as const
    const head = await client.sendAndDump(request)
    if (head.statusCode !== 200 || !isExpected(head)) return 'replaced'
    for (const version of versions.slice(place).toReversed()) await removeVersion(object, version)
  }
  for (const marker of markers.toReversed()) await removeVersion(object, marker)
  return 'removed'
}

async function removeVersion({ client, container, name, signal }: VersionedObject, version?: ListedVersion) {
  const versionId = version?.version_id
  if (version === undefined || versionId === undefined) return
  if (!isMarker(version)) {
    await removeWithSegments(client, container, name, omitUndefined({ signal, versionId }))
    return
  }
  const query = { 'version-id': versionId }
  await client.sendAndDump({
    method: 'DELETE',
    container,
    name,
    query,
    accept: [204, 404],
    ...omitUndefined({ signal }),
  })
}

/** The versions and delete markers of exactly one name, newest first; none if the container does not keep them. */
async function versionsOf({ client, container, name, signal }: VersionedObject): Promise<ListedVersion[]> {
  const query = { prefix: name, versions: 'true', limit: String(DEFAULT_LIST_PAGE_SIZE) }
  const found: ListedVersion[] = []
  for await (const version of pagesOf((place) => listPage(client, container, { ...query, ...place }, signal))) {
    if (version.name === name) found.push(version)
    // Names that only begin like this one come after it.
    else break
  }
  return found.some(({ version_id }) => version_id === undefined) ? [] : found
}

async function listPage(
  client: SwiftClient,
  container: string,
  query: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<ListedVersion[]> {
  const request = { method: 'GET', container, query: { format: 'json', ...query } } as const
  const answer = await client.send({ ...request, accept: [200, 204, 404], ...omitUndefined({ signal }) })
  if (answer.statusCode === 200) return readJson(answer.body, versionsSchema)
  // The other container may not have been created.
  await discard(answer.body)
  return []
}

/** Follows the pages of a list to its end. */
async function* pagesOf(
  load: (place: Record<string, string>) => Promise<ListedVersion[]>,
): AsyncGenerator<ListedVersion> {
  const places = new Set<string>()
  for (let place: Record<string, string> = {}; ; ) {
    const page = await load(place)
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    place = omitUndefined({ marker: last.name, version_marker: last.version_id }) as Record<string, string>
    const key = JSON.stringify(place)
    if (places.has(key)) {
      throw new StoreError('misconfigured', 'The container answers with the same page of versions again and again.')
    }
    places.add(key)
  }
}

/** The name of the object whose older version has this name: `00bplan/db.dump/1600000000.00000`, its length first. */
function nameOfOlder(name: string): string | undefined {
  const [, length = '', rest = ''] = /^([0-9a-f]{3})(.*)\/[\d.]+$/s.exec(name) ?? []
  return Buffer.byteLength(rest) === Number.parseInt(length, 16) ? rest : undefined
}

const isMarker = ({ content_type }: ListedVersion) => content_type?.replaceAll(' ', '') === DELETED_TYPE

const hiddenVersion = (name: string, version: ListedVersion): HiddenVersion => ({
  name,
  sizeBytes: version.bytes,
  isDeleteMarker: isMarker(version),
})

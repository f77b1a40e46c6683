import { omitUndefined } from '@osb-backup/node'
import { z } from 'zod'
import type { CallOptions } from '../object-store.ts'
import { callStore } from '../store-call.ts'
import { StoreError } from '../store-error.ts'
import type { HiddenVersion } from '../store-kind.ts'
import { DEFAULT_LIST_PAGE_SIZE, type StoreOptions } from '../store-options.ts'
import { discard, readJson } from './swift-answer.ts'
import { SwiftClient } from './swift-client.ts'
import { toSwiftStoreError } from './swift-error.ts'
import { locationOf, type SwiftSettings } from './swift-settings.ts'

/** The type of an object that marks a deletion. */
const DELETED_TYPE = 'application/x-deleted;swift_versions_deleted=1'

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

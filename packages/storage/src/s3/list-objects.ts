import { type _Object, ListObjectsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import { StoreError } from '../store-error.ts'

/** A page of at most this many pages in a row may be empty. */
const MAXIMUM_EMPTY_PAGES = 100

/** The next page: by the token of version 2 of the API, or by the last name in version 1, which every server has. */
interface PageRequest {
  Prefix: string
  MaxKeys: number
  ContinuationToken?: string
  Marker?: string
}

interface Page {
  Contents?: _Object[] | undefined
  IsTruncated?: boolean | undefined
  NextContinuationToken?: string | undefined
  NextMarker?: string | undefined
}

/**
 * Lists objects page by page, in the server's order, to the end.
 *
 * @throws {StoreError} With code `misconfigured` if the server says that there is more and does not deliver it: a list that is
 *   short must not look complete.
 */
export async function* listPages(
  Prefix: string,
  MaxKeys: number,
  load: (request: PageRequest) => Promise<Page>,
): AsyncGenerator<_Object> {
  const places = new Set<string>()
  let emptyPages = 0
  for (let request: PageRequest = { Prefix, MaxKeys }; ; ) {
    const page = await load(request)
    const contents = page.Contents ?? []
    yield* contents
    const next = nextOf(page, contents.length >= MaxKeys)
    if (next === undefined) return
    const place = JSON.stringify(next)
    emptyPages = contents.length === 0 ? emptyPages + 1 : 0
    if (places.has(place) || emptyPages > MAXIMUM_EMPTY_PAGES || next === 'unknown') throw endless()
    places.add(place)
    request = { Prefix, MaxKeys, ...next }
  }
}

/** Where the next page begins; undefined: there is none. */
function nextOf(
  page: Page,
  isFull: boolean,
): Pick<PageRequest, 'ContinuationToken' | 'Marker'> | 'unknown' | undefined {
  const { IsTruncated, NextContinuationToken, NextMarker, Contents } = page
  // Some servers do not say whether there is more.
  if (!(IsTruncated ?? (isFull || NextContinuationToken !== undefined))) return undefined
  if (NextContinuationToken) return { ContinuationToken: NextContinuationToken }
  const Marker = NextMarker || Contents?.at(-1)?.Key
  return Marker === undefined ? 'unknown' : { Marker }
}

function endless(): StoreError {
  return new StoreError(
    'misconfigured',
    'Could not list all objects: the store says that there are more, and answers with the same page again and again.',
  )
}

/** Sends the request for a page. */
export function sendList(
  client: S3Client,
  { ContinuationToken, Marker, ...input }: PageRequest & { Bucket: string },
  abortSignal: AbortSignal | undefined,
): Promise<Page> {
  const options = omitUndefined({ abortSignal })
  return Marker === undefined
    ? client.send(new ListObjectsV2Command({ ...input, ContinuationToken }), options)
    : client.send(new ListObjectsCommand({ ...input, Marker }), options)
}

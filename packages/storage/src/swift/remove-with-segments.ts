import { omitUndefined } from '@osb-backup/node'
import type { z } from 'zod'
import { StoreError } from '../store-error.ts'
import { bulkAnswerSchema, discard, readJson, segmentsSchema } from './swift-answer.ts'
import type { SwiftAnswer, SwiftClient } from './swift-client.ts'
import { UnexpectedStatus } from './swift-error.ts'

/** Swift removes segments one after the other before it answers. */
const REMOVAL_TIMEOUT_MS = 10 * 60_000

export interface RemovalOptions {
  signal?: AbortSignal | undefined
  /** Judges the answer to HEAD; an object that is not expected is kept. Absent: any is removed. */
  isExpected?(head: SwiftAnswer): boolean
  /** One version of the object; absent: the object itself. */
  versionId?: string
}

/** Removes an object, and its segments with it. */
export async function removeWithSegments(
  client: SwiftClient,
  container: string,
  name: string,
  { signal, isExpected, versionId }: RemovalOptions = {},
): Promise<'removed' | 'absent' | 'unexpected'> {
  const version: Record<string, string> = versionId === undefined ? {} : { 'version-id': versionId }
  const object = omitUndefined({ container, name, query: version, signal })
  const head = await client.sendAndDump({ ...object, method: 'HEAD', accept: [200, 404] })
  if (head.statusCode === 404) return 'absent'
  if (isExpected?.(head) === false) return 'unexpected'
  if (!isManifest(head)) {
    await client.sendAndDump({ ...object, method: 'DELETE', accept: [204, 404] })
    return 'removed'
  }
  const remove = async () => {
    const answer = await client.send({
      ...object,
      method: 'DELETE',
      query: { ...version, 'multipart-manifest': 'delete' },
      headers: { accept: 'application/json' },
      accept: [200, 204],
      answerTimeoutMs: REMOVAL_TIMEOUT_MS,
    })
    // A status of 200 only says that Swift tried; the result is in the body.
    if (answer.statusCode === 200) return failedStatusOf(await readJson(answer.body, bulkAnswerSchema))
    await discard(answer.body)
    return undefined
  }
  let failed = await remove()
  if (failed === 401) {
    // The token expired while segments were being removed.
    await client.renewLogin(signal)
    failed = await remove()
  }
  if (failed === undefined) return 'removed'
  if (failed === 401 || failed === 403) throw new UnexpectedStatus(failed)
  throw new StoreError('temporary', `Swift could not remove all segments of "${name}" (${failed}); try again.`)
}

/**
 * Paths of the segments that an object is made of, `/container/name`, also of nested manifests; empty if the object has
 * none or does not exist, undefined if the server does not name them.
 */
export async function segmentsOf(client: SwiftClient, container: string, name: string): Promise<string[] | undefined> {
  const head = await client.sendAndDump({ method: 'HEAD', container, name, accept: [200, 404] })
  if (head.statusCode === 404 || !isManifest(head)) return []
  const query = { 'multipart-manifest': 'get' }
  const answer = await client.send({ method: 'GET', container, name, query, accept: [200] })
  if (answer.headers['content-length'] === '0') {
    // Ceph.
    await discard(answer.body)
    return undefined
  }
  const manifest = await readJson(answer.body, segmentsSchema)
  const paths: string[] = []
  for (const { name: path, sub_slo } of manifest) {
    const [, inContainer = '', ...rest] = path.split('/')
    if (sub_slo) paths.push(...((await segmentsOf(client, inContainer, rest.join('/'))) ?? []))
    paths.push(path)
  }
  return paths
}

function isManifest(head: SwiftAnswer): boolean {
  return String(head.headers['x-static-large-object']).toLowerCase() === 'true'
}

/** The status of the first removal that failed; undefined: all succeeded. */
function failedStatusOf(answer: z.infer<typeof bulkAnswerSchema>): number | undefined {
  const status = Number.parseInt(answer['Response Status'], 10)
  const [firstError] = answer.Errors
  if (status < 300 && !firstError) return undefined
  return Number.parseInt(firstError?.[1] ?? '', 10) || status
}

import { randomUUID } from 'node:crypto'
import { openStore, type S3Settings } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Fault, type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { generated, generatedSha256, sizeAndSha256 } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
const bucket = `new-${randomUUID()}`
beforeAll(() => account.makeContainer(bucket))
afterAll(async () => {
  for (const container of [`${bucket}+segments`, bucket]) await account.removeContainer(container)
})

const mebibyte = 1024 * 1024
const options = { retry: { outageMs: 10_000, firstDelayMs: 5 }, partSizeBytes: 5 * mebibyte }
const settings: S3Settings = { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey }
const direct = openStore(settings)

const refusal: Fault = { kind: 'answer', status: 412 }
const lost: Fault = { kind: 'lose', status: 503 }
const unknown: Fault = { kind: 'answer', status: 501 }
const busy: Fault = { kind: 'answer', status: 503 }

/** The lab's S3 knows no conditions, so the proxy gives the answers that AWS and others give. */
describe.each([
  {
    what: 'small',
    size: 1000,
    isMaking: (method: string) => method === 'PUT',
    // What the lab itself says to the first one.
    untilMade: [unknown, lost, refusal],
  },
  {
    what: 'of several parts',
    size: 12 * mebibyte,
    isMaking: (method: string, url: string) =>
      (method === 'HEAD' && /^\/[^/?]+\/[^?]/.test(url)) || (method === 'POST' && /\?uploadId/.test(url)),
    // The first one is a HEAD, which asks whether the name is free; the third one asks whether the object is there.
    untilMade: [undefined, lost, busy, refusal],
  },
])('S3: a new object, $what,', ({ size, isMaking, untilMade }) => {
  /** Spoils the requests that make the object, one after the other. */
  const spoil = (proxy: FaultsProxy, faults: (Fault | undefined)[]) =>
    proxy.spoil(({ method, url }) => (isMaking(method, url) ? faults.shift() : undefined))

  test('does not replace one that was created in the meantime', async () => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const name = randomUUID()
    proxy.spoil(async ({ method, url }) => {
      if (method === 'HEAD' || !isMaking(method, url)) return undefined
      await direct.put(name, generated(10))
      return refusal
    })
    const store = openStore({ ...settings, endpoint: proxy.origin }, options)
    await expect(store.put(name, generated(size), { mustBeNew: true })).rejects.toMatchObject({ code: 'exists' })
    expect(proxy.injected).toBe(1)
    expect(await sizeAndSha256(await direct.get(name))).toEqual({ sizeBytes: 10, sha256: generatedSha256(10) })
    expect(await account.list(`${bucket}+segments`)).toEqual([])
    await direct.remove(name)
  })

  test('is recognized when it was created and its answer was lost', async () => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    spoil(proxy, [...untilMade])
    const store = openStore({ ...settings, endpoint: proxy.origin }, options)
    const name = randomUUID()
    await store.put(name, generated(size), { mustBeNew: true })
    expect(proxy.injected).toBe(3)
    expect(await sizeAndSha256(await direct.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
    await direct.remove(name)
  })
})

test.each([1000, 6 * mebibyte])('S3: %d bytes are stored in a bucket that requires an MD5', async (size) => {
  await using proxy = await startFaultsProxy(new URL(endpoint).origin)
  const required =
    'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters'
  const body = `<Error><Code>InvalidRequest</Code><Message>${required}</Message></Error>`
  const answer: Fault = { kind: 'answer', status: 400, headers: { 'content-type': 'application/xml' }, body }
  proxy.spoil(({ method, headers }) => (method === 'PUT' && headers['content-md5'] === undefined ? answer : undefined))
  const store = openStore({ ...settings, endpoint: proxy.origin }, { ...options, partsInFlight: 1 })
  const name = randomUUID()
  await store.put(name, generated(size))
  expect(proxy.injected).toBe(1)
  expect(await sizeAndSha256(await direct.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
  await direct.remove(name)
})

// As AWS does when completing takes long: the status is sent before the outcome is known.
test('S3: an upload whose completion is answered with 200 and an error is completed again', async () => {
  await using proxy = await startFaultsProxy(new URL(endpoint).origin)
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n  \n<Error><Code>InternalError</Code><Message>Try again.</Message></Error>'
  const answer: Fault = { kind: 'answer', status: 200, headers: { 'x-amz-request-id': '1' }, body }
  let completions = 0
  proxy.spoil(({ method, url }) =>
    method === 'POST' && url.includes('uploadId') && ++completions < 3 ? answer : undefined,
  )
  const name = randomUUID()
  const size = 6 * mebibyte
  await openStore({ ...settings, endpoint: proxy.origin }, options).put(name, generated(size), { mustBeNew: true })
  expect(completions).toBe(3)
  expect(await sizeAndSha256(await direct.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
  await direct.remove(name)
})

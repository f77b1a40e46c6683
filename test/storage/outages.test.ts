import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore, type StoreSettings, stores } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Fault, type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { s3Settings, swiftSettings } from '../fixtures/lab-stores.ts'
import { generated, generatedSha256, sizeAndSha256 } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

/** Longer than all retries of the SDK's own strategy, and of four attempts with delays of 0.5, 1 and 2 seconds. */
const OUTAGE_MS = 5000
const mebibyte = 1024 * 1024
const size = 18 * mebibyte
const options = {
  retry: { outageMs: 60_000 },
  idleTimeoutMs: 1000,
  partSizeBytes: 5 * mebibyte,
  segmentSizeBytes: 4 * mebibyte,
  rangeSizeBytes: 4 * mebibyte,
}

const lab = inject('lab')
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
const account = new SwiftAccount(lab.swift)
const bucket = `outages-${randomUUID()}`
const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
beforeAll(() => account.makeContainer(bucket))
afterAll(async () => {
  for (const container of [`${bucket}+segments`, `${bucket}_segments`, bucket]) await account.removeContainer(container)
})

const s3Of = (origin: string) => s3Settings(bucket, origin)
const swiftOf = (origin: string) => swiftSettings(bucket, origin)
const kinds = [
  { kind: 's3', settings: s3Of },
  { kind: 'swift', settings: swiftOf },
]

const faults: { what: string; fault: Fault }[] = [
  { what: '503', fault: { kind: 'answer', status: 503 } },
  { what: '503 with Retry-After', fault: { kind: 'answer', status: 503, headers: { 'retry-after': '1' } } },
  { what: 'silence', fault: { kind: 'silence' } },
  { what: 'lost answers', fault: { kind: 'lose' } },
  { what: 'resets', fault: { kind: 'reset' } },
]

/** Lets one request with content through, and then fails all for a while. */
function beginOutage(proxy: FaultsProxy, method: 'PUT' | 'GET', fault: Fault): void {
  let passed = 0
  let began = false
  proxy.spoil((request) => {
    const isPart = request.method === method && /partNumber|_segments\/|object-/.test(request.url)
    if (isPart) passed++
    if (passed < 2) return undefined
    if (!began) setTimeout(() => proxy.heal(), OUTAGE_MS)
    began = true
    return fault
  })
}

describe.concurrent.each(kinds)('an outage of $kind', ({ kind, settings }) => {
  test.each(faults)('during an upload costs time only: $what', { timeout: 120_000 }, async ({ what, fault }) => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const store = openStore(settings(proxy.origin), options)
    const name = `object-${randomUUID()}`
    beginOutage(proxy, 'PUT', fault)
    await store.put(name, generated(size))
    expect(proxy.injected, what).toBeGreaterThan(0)
    expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
    await store.remove(name)
  })

  test.each(faults)('during a download costs time only: $what', { timeout: 120_000 }, async ({ what, fault }) => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const name = `object-${randomUUID()}`
    const direct = openStore(settings(endpoint), options)
    await direct.put(name, generated(size))
    beginOutage(proxy, 'GET', fault)
    const read = await sizeAndSha256(await openStore(settings(proxy.origin), options).get(name))
    expect(read).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
    expect(proxy.injected, what).toBeGreaterThan(0)
    await direct.remove(name)
  })

  test('longer than the limit fails an upload with what happened', { timeout: 120_000 }, async () => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const store = openStore(settings(proxy.origin), { ...options, retry: { outageMs: 1000 } })
    const name = `object-${randomUUID()}`
    let parts = 0
    proxy.spoil(({ method, url }) => {
      if (method === 'PUT' && /partNumber|_segments\//.test(url)) parts++
      return parts > 1 && method === 'PUT' ? { kind: 'answer', status: 503 } : undefined
    })
    await expect(store.put(name, generated(size))).rejects.toMatchObject({
      code: 'temporary',
      message: expect.stringMatching(/503\)\. It failed for \d+ s\.$/),
    })
    proxy.heal()
    expect(await openStore(settings(endpoint)).head(name)).toBeUndefined()
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    expect(Uploads.filter(({ Key }) => Key === name)).toEqual([])
    const segments = kind === 'swift' ? await account.list(`${bucket}_segments`) : []
    expect(segments.filter((segment) => segment.name.startsWith(name))).toEqual([])
  })

  test('slows the source down, and Retry-After is honoured', { timeout: 120_000 }, async ({ expect }) => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const store = openStore(settings(proxy.origin), { ...options, partsInFlight: 1 })
    const name = `object-${randomUUID()}`
    const askedAt: number[] = []
    proxy.spoil(({ method }) => {
      if (method !== 'PUT') return undefined
      askedAt.push(performance.now())
      return { kind: 'answer', status: 503, headers: { 'retry-after': '2' } }
    })
    let readBytes = 0
    const source = generated(60 * mebibyte)
    source.on('data', (chunk: Buffer) => {
      readBytes += chunk.length
    })
    source.pause()
    const putting = store.put(name, source)
    await sleep(OUTAGE_MS)
    await expect.poll(() => askedAt.length, { timeout: 60_000 }).toBeGreaterThan(1)
    // A part in flight, one that waits, one that is filled, and what streams buffer.
    expect(readBytes).toBeLessThan(3 * 5 * mebibyte + mebibyte)
    proxy.heal()
    await putting
    expect(readBytes).toBe(60 * mebibyte)
    const pauses = askedAt.slice(1).map((at, index) => at - (askedAt[index] ?? 0))
    expect(pauses.length).toBeGreaterThan(0)
    for (const pause of pauses) expect(pause).toBeGreaterThan(1900)
    await store.remove(name)
  })

  test('does not delay the cancellation of an upload', { timeout: 120_000 }, async ({ expect }) => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const store = openStore(settings(proxy.origin), { ...options, retry: { outageMs: 3_600_000 } })
    const cancel = new AbortController()
    let parts = 0
    proxy.spoil(({ method, url }) => {
      if (method === 'PUT' && /partNumber|_segments\//.test(url)) parts++
      return parts > 1 && method === 'PUT' ? { kind: 'answer', status: 503 } : undefined
    })
    const putting = store.put(`object-${randomUUID()}`, generated(size), { signal: cancel.signal })
    await expect.poll(() => proxy.injected, { timeout: 60_000 }).toBeGreaterThan(1)
    cancel.abort()
    await expect(putting).rejects.toMatchObject({ name: 'AbortError' })
  })
})

const page =
  '<!DOCTYPE html><html><head><title>Login</title><meta charset="utf-8"></head><body>Please log in</body></html>'
const asPage = { 'content-type': 'text/html; charset=utf-8' }
const asFile = { ...asPage, etag: '"65f0-1f4"', 'last-modified': 'Tue, 03 Feb 2026 04:05:06 GMT' }
const pages = [
  { what: 'a login page', headers: asPage, body: page },
  { what: 'a login page that is a file', headers: asFile, body: page },
  { what: 'an empty answer', headers: {}, body: '' },
  { what: 'JSON', headers: { 'content-type': 'application/json' }, body: '{"status":"ok"}' },
]

const calls: { what: string; call: (settings: StoreSettings) => Promise<unknown> }[] = [
  { what: 'head', call: (settings) => openStore(settings).head('a') },
  { what: 'get', call: async (settings) => sizeAndSha256(await openStore(settings).get('a')) },
  { what: 'put', call: (settings) => openStore(settings).put('a', generated(1000)) },
  { what: 'put of a new object', call: (settings) => openStore(settings).put('a', generated(9), { mustBeNew: true }) },
  { what: 'put of several parts', call: (settings) => openStore(settings).put('a', generated(40 * mebibyte)) },
  { what: 'list', call: (settings) => Array.fromAsync(openStore(settings).list('')) },
  { what: 'remove', call: (settings) => openStore(settings).remove('a') },
  { what: 'list of uploads', call: (settings) => Array.fromAsync(stores.listIncompleteUploads(settings, '')) },
  {
    what: 'removal of an upload',
    call: (settings) => stores.removeIncompleteUpload(settings, { name: 'a', since: new Date(0) }),
  },
]

const imposed = [
  ...kinds,
  { kind: 'keystone', settings: (origin: string) => ({ ...swiftOf(endpoint), authUrl: `${origin}/v3` }) },
]

describe.each(imposed)('what is not $kind', ({ settings }) => {
  test.each(pages)('but answers everything with 200 and $what is recognized', async ({ headers, body }) => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const passed: string[] = []
    for (const { what, call } of calls) {
      proxy.spoil(() => ({ kind: 'answer', status: 200, headers, body }))
      const before = proxy.requests
      const outcome = await call(settings(proxy.origin) as StoreSettings).then(
        () => 'a success',
        (error: { code?: string; message: string }) => (error.code === 'misconfigured' ? error.message : String(error)),
      )
      expect.soft(outcome, what).toMatch(/perhaps a login page or a proxy; check the/)
      expect.soft(proxy.requests - before, what).toBeLessThan(6)
      passed.push(what)
    }
    expect(passed).toHaveLength(calls.length)
  })
})

test('a list that repeats its page ends with an error', async () => {
  await using proxy = await startFaultsProxy(new URL(endpoint).origin)
  const entry = { name: 'a', bytes: 1, last_modified: '2026-02-03T04:05:06.000000', hash: '', content_type: '' }
  const answers = [
    [swiftOf(proxy.origin), { 'content-type': 'application/json', 'x-trans-id': 'tx1' }, JSON.stringify([entry])],
    [
      s3Of(proxy.origin),
      { 'content-type': 'application/xml' },
      `<?xml version="1.0"?><ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated>
       <NextContinuationToken>t</NextContinuationToken></ListBucketResult>`,
    ],
  ] as const
  for (const [settings, headers, body] of answers) {
    proxy.spoil(() => ({ kind: 'answer', status: 200, headers, body }))
    await expect(Array.fromAsync(openStore(settings).list(''))).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('the same page again and again'),
    })
  }
})

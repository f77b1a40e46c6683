import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { BandwidthLimit, openStore, type S3Settings, type StoreOptions, type SwiftSettings } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startForwardProxy } from '../../lab/forward-proxy.ts'
import { generated, generatedSha256, sizeAndSha256 } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = inject('lab')
const ca = await readFile(lab.s3.ca, 'utf8')
const mebibyte = 1024 * 1024
const size = 10 * mebibyte

const account = new SwiftAccount(lab.swift)
/** Swift's containers are its S3 API's buckets. */
const bucket = `connections-${randomUUID()}`
beforeAll(() => account.makeContainer(bucket))
afterAll(async () => {
  for (const container of [`${bucket}+segments`, `${bucket}_segments`, bucket]) await account.removeContainer(container)
})

const { endpoint, region, accessKeyId, secretAccessKey, tlsEndpoint } = lab.s3
const s3: S3Settings = { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey }
const swift: SwiftSettings = { type: 'swift', ...lab.swift, container: bucket }
const overTls = { s3: tlsEndpoint, swift: lab.swift.storageUrl.replace(new URL(endpoint).origin, tlsEndpoint) }

/** Stores, reads, looks up and removes an object. */
async function roundTrip(settings: S3Settings | SwiftSettings, options: StoreOptions = {}): Promise<void> {
  const store = openStore(settings, { retry: false, ...options })
  const name = randomUUID()
  await store.put(name, generated(size))
  expect(await store.head(name)).toMatchObject({ sizeBytes: size })
  expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
  await store.remove(name)
}

const secure = [
  { kind: 's3', settings: { ...s3, endpoint: overTls.s3 } },
  { kind: 'swift', settings: { ...swift, storageUrl: overTls.swift } },
] as const

describe.each(secure)('https, $kind', ({ settings }) => {
  test('accepts a certificate that the settings trust', () => roundTrip({ ...settings, tls: { ca } }))

  test('accepts any certificate if the settings say so', () => roundTrip({ ...settings, tls: { insecure: true } }))

  test('rejects an untrusted certificate permanently', async () => {
    const head = openStore(settings).head('x')
    await expect(head).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/certificate.*(SELF_SIGNED|UNABLE_TO)/),
    })
  })
})

test('S3: the bucket is part of the host name where the settings say so', async () => {
  // The proxy knows such names, which the machine's resolver may not; no certificate may be for all of `*.localhost`.
  await using proxy = await startForwardProxy()
  const byName = tlsEndpoint.replace('127.0.0.1', 'localhost')
  const settings: S3Settings = { ...s3, endpoint: byName, pathStyle: false, tls: { insecure: true } }
  await roundTrip(settings, { proxy: { httpsProxy: proxy.url } })
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${bucket}.localhost:${new URL(byName).port}`]))
})

describe.each([
  { kind: 's3', plain: s3, tls: { ...s3, endpoint: overTls.s3, tls: { ca } } },
  { kind: 'swift', plain: swift, tls: { ...swift, storageUrl: overTls.swift, tls: { ca } } },
] as const)('a proxy, $kind', ({ plain, tls }) => {
  test('is used for http', async () => {
    await using proxy = await startForwardProxy()
    await roundTrip(plain, { proxy: { httpProxy: proxy.url } })
    expect(proxy.asked.join()).toContain(new URL(endpoint).host)
  })

  test('is used for https', async () => {
    await using proxy = await startForwardProxy()
    await roundTrip(tls, { proxy: { httpsProxy: proxy.url } })
    expect(proxy.asked).toContain(`CONNECT ${new URL(tlsEndpoint).host}`)
  })

  test('is passed by where NO_PROXY says so, and where none is named', async () => {
    await using proxy = await startForwardProxy()
    await roundTrip(plain, { proxy: { httpProxy: proxy.url, noProxy: '127.0.0.1,example.org' } })
    process.env.HTTP_PROXY = proxy.url
    process.env.http_proxy = proxy.url
    try {
      await roundTrip(plain)
      await roundTrip(plain, { proxy: { httpsProxy: proxy.url } })
    } finally {
      delete process.env.HTTP_PROXY
      delete process.env.http_proxy
    }
    expect(proxy.asked).toEqual([])
  })
})

test.each([
  { kind: 's3', settings: s3 },
  { kind: 'swift', settings: swift },
] as const)('a bandwidth limit holds, up and down, $kind', async ({ settings }) => {
  const store = openStore(settings, { bandwidth: [new BandwidthLimit(5 * mebibyte)] })
  const startedAt = performance.now()
  await store.put('limited', generated(size))
  const storedAt = performance.now()
  await sizeAndSha256(await store.get('limited'))
  const readAt = performance.now()
  await store.remove('limited')
  for (const seconds of [(storedAt - startedAt) / 1000, (readAt - storedAt) / 1000]) {
    expect(seconds).toBeGreaterThan(1.8)
  }
})
